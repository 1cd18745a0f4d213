import assert from "node:assert/strict";
import { RunFolder } from "../../../lib/train/run_folder.ts";
import type { CifarSettings } from "../../../lib/train/settings/cifar_settings.ts";
import type { PlannedRun } from "../../../tasks/table/table_plan.ts";
import { clearUnsaved, stateOf } from "../../../tasks/table/table_state.ts";
import { filesIn } from "../../data/tar_gz.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { TINY, tinyRun } from "../../support/tiny_run.ts";

function planned(logs: string, settings: Partial<CifarSettings> = {}): PlannedRun {
  return {
    name: "run",
    recipe: { id: "table1/a", file: "tables/a.json", task: "cifar", teacher: null, settings: {} },
    settings: { ...TINY, logs, save: "run", ...settings },
    teacher: null,
  };
}

Deno.test("stateOf: a run is new, begun and finished", async () => {
  await using logs = await tempFolder();
  const run = planned(logs.path);
  assert.equal(await stateOf(run), "new");
  const path = `${logs.path}/run`;
  await tinyRun(path, { stopAfter: 9 });
  assert.equal(await stateOf(run), "begun");
  const early = await Deno.readFile(`${path}/checkpoint.safetensors`);
  await tinyRun(path, { resume: true });
  assert.equal(await stateOf(run), "finished");
  assert.equal(await stateOf(planned(logs.path, { epochs: TINY.epochs })), "finished");

  const log = await Deno.readTextFile(`${path}/log.txt`);
  await Deno.writeTextFile(`${path}/log.txt`, log.slice(0, log.lastIndexOf("json_stats")));
  assert.equal(await stateOf(run), "begun", "the checkpoint alone is not the end");
  await Deno.writeTextFile(`${path}/log.txt`, log);
  await Deno.writeFile(`${path}/checkpoint.safetensors`, early);
  assert.equal(await stateOf(run), "begun", "nor is the log");
});

Deno.test("stateOf: other settings are an error that names them, other places are not", async () => {
  await using logs = await tempFolder();
  await tinyRun(`${logs.path}/run`, { stopAfter: 1 });
  const elsewhere = { dataroot: "/data", nthread: 8, log_every: 7 };
  assert.equal(await stateOf(planned(logs.path, elsewhere)), "begun");
  assert.equal(await stateOf(planned(logs.path, { init: "--teacher_params" })), "begun");
  await assert.rejects(
    stateOf(planned(logs.path, { epoch_step: [2] })),
    /^RangeError: Cannot use run .*run: expected epoch_step to be \[2\] as in tables\/a\.json, found \[2,3\]; move the run away/,
  );
});

Deno.test("clearUnsaved: removes what is a run's, and nothing else", async () => {
  await using logs = await tempFolder();
  const run = planned(logs.path);
  const folder = await RunFolder.create(`${logs.path}/run`);
  await folder.writeConfig(run.settings);
  for (const name of ["steps.jsonl", "log.txt", "best.safetensors", "config.json.0-1.part"]) {
    await folder.write(name, "");
  }
  assert.equal(await stateOf(run), "unsaved");
  await folder.write("notes.txt", "mine");
  await folder.write("config.json.txt", "mine too");
  {
    using _held = await folder.hold();
    await assert.rejects(clearUnsaved(run), /expected no other process at work there/);
  }
  await clearUnsaved(run);
  assert.deepEqual(await filesIn(folder.path), ["config.json.txt", "notes.txt", "run.lock"]);
  await assert.rejects(RunFolder.create(folder.path), /found config\.json\.txt in it/);
});
