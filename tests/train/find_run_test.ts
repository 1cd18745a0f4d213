import assert from "node:assert/strict";
import { resolve } from "node:path";
import { resolveRun, saveLocation } from "../../lib/train/find_run.ts";

async function inLogs(body: (logs: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  for (const name of ["resnet_16_1", "resnet_16_2_teacher", "at_16_1", "sub/run"]) {
    await Deno.mkdir(`${folder}/logs/${name}`, { recursive: true });
  }
  await Deno.writeTextFile(`${folder}/logs/a.safetensors`, "");
  try {
    await body(`${folder}/logs`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("resolveRun: takes a name under logs, a folder, and a file where allowed", () =>
  inLogs(async (logs) => {
    const folder = { kind: "folder", path: `${logs}/at_16_1` };
    assert.deepEqual(await resolveRun("at_16_1", { logs }), folder);
    assert.deepEqual(await resolveRun(`${logs}/at_16_1`, { logs: "elsewhere" }), folder);
    assert.deepEqual(await resolveRun("sub/run", { logs }), {
      kind: "folder",
      path: `${logs}/sub/run`,
    });
    const file = { kind: "file", path: `${logs}/a.safetensors` };
    assert.deepEqual(await resolveRun("a.safetensors", { logs, allowFile: true }), file);
    assert.deepEqual(await resolveRun(file.path, { logs, allowFile: true }), file);
  }));

Deno.test("resolveRun: a name that is not there brings the nearest ones", () =>
  inLogs(async (logs) => {
    await assert.rejects(resolveRun("resnet_16_2_techer", { logs, allowFile: true }), {
      name: "RangeError",
      message:
        'Cannot find run "resnet_16_2_techer": expected a run\'s name, a folder or a weights ' +
        `file, found nothing at ${logs}/resnet_16_2_techer and nothing at ${
          resolve("resnet_16_2_techer")
        }; ` +
        `the nearest under ${logs} are resnet_16_2_teacher, resnet_16_1, at_16_1`,
    });
    await assert.rejects(resolveRun(`${logs}/at_16_2/`, { logs }), / are at_16_1, /);
  }));

Deno.test("resolveRun: says when there is a file, no run, no folder of runs, no name", () =>
  inLogs(async (logs) => {
    await assert.rejects(
      resolveRun("a.safetensors", { logs }),
      /or a folder, found a file at \/.*\/logs\/a\.safetensors and nothing at \//,
    );
    await assert.rejects(resolveRun("x", { logs: `${logs}/at_16_1` }), /there are no runs under/);
    await assert.rejects(resolveRun("x", { logs: `${logs}/none` }), /there is no folder .*none$/);
    await assert.rejects(resolveRun("", { logs, allowFile: true }), /find run "".* found nothing/);
    await assert.rejects(resolveRun(`${logs}/a.safetensors/b`, { logs }), /found nothing/);
  }));

Deno.test("saveLocation: a bare name goes under logs, a path stays", () => {
  assert.equal(saveLocation("run_1.5", "logs"), "logs/run_1.5");
  for (const path of ["./run", "../run", "logs/run", "/tmp/run", ".", ".."]) {
    assert.equal(saveLocation(path, "logs"), path);
  }
});
