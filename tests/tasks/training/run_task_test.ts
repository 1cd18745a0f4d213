import assert from "node:assert/strict";
import { resolve } from "node:path";
import type { Gpu } from "../../../lib/gpu/device.ts";
import { resolveRun } from "../../../lib/train/find_run.ts";
import { RunFolder } from "../../../lib/train/run_folder.ts";
import { CIFAR_DEFAULTS, type CifarSettings } from "../../../lib/train/settings/cifar_settings.ts";
import { CIFAR_TASK } from "../../../tasks/training/cifar_task.ts";
import { type RunTask, runTask } from "../../../tasks/training/run_task.ts";
import { resumeCommand } from "../../../tasks/training/training_run.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { tinyModel, tinySet } from "../../support/tiny.ts";
import { filesIn, TINY } from "../../support/tiny_run.ts";

/** A training of the tiny network, which may fail at its first step. */
function tinyTask({ failure }: { failure?: Error } = {}): RunTask<CifarSettings> {
  return {
    ...CIFAR_TASK,
    openImages: () =>
      Promise.resolve({
        data: tinySet({ train: 8, test: 4 }),
        skipped: new Map(),
        [Symbol.dispose]: () => {},
      }),
    openNetworks(gpu: Gpu) {
      const model = tinyModel(gpu);
      const { apply } = model;
      model.apply = (x, options) => {
        if (failure !== undefined) throw failure;
        return apply(x, options);
      };
      return Promise.resolve({ model, teacher: null });
    },
  };
}

/** What a command says on standard error, and its exit code. */
async function heard(run: () => Promise<number>): Promise<{ code: number; text: string }> {
  const { writeSync } = Deno.stderr;
  let text = "";
  Deno.stderr.writeSync = (bytes) => {
    text += new TextDecoder().decode(bytes);
    return bytes.length;
  };
  try {
    return { code: await run(), text };
  } finally {
    Deno.stderr.writeSync = writeSync;
  }
}

const RUN_FOLDER = [
  "best.safetensors",
  "checkpoint.safetensors",
  "config.json",
  "log.txt",
  "model.safetensors",
  "run.lock",
  "steps.jsonl",
];

Deno.test("runTask: a start that fails leaves the name free, and a finished run says that it is", async () => {
  await using root = await tempFolder();
  const logs = `${root.path}/logs`;
  const settings = { ...TINY, epochs: 1, logs, save: "run" };
  const train = { kind: "train", settings, autotune: "off" } as const;
  const failure = new RangeError("Cannot train: the batch is too large");
  await assert.rejects(heard(() => runTask(tinyTask({ failure }), train)), failure);
  assert.deepEqual(await filesIn(logs), []);

  const mended = await heard(() => runTask(tinyTask(), train));
  assert.equal(mended.code, 0, mended.text);
  assert.deepEqual(await filesIn(`${logs}/run`), RUN_FOLDER);
  await assert.rejects(
    heard(() => runTask(tinyTask(), train)),
    /expected a new or empty folder, found config\.json in it; continue it with --resume/,
  );

  const before = await Deno.readFile(`${logs}/run/checkpoint.safetensors`);
  const resume = { kind: "resume", run: "run", logs, changes: {}, autotune: "off" } as const;
  const again = await heard(() => runTask(tinyTask(), resume));
  assert.equal(again.code, 0);
  assert.match(
    again.text,
    /run is finished already, with --epochs 1; more of them train it further/,
  );
  assert.deepEqual(await Deno.readFile(`${logs}/run/checkpoint.safetensors`), before);
  const further = await heard(() => runTask(tinyTask(), { ...resume, changes: { epochs: 2 } }));
  assert.equal(further.code, 0);
  assert.doesNotMatch(further.text, /finished/);
});

Deno.test("runTask: --resume of a run that was killed before it saved starts it from its beginning", async () => {
  await using root = await tempFolder();
  const logs = `${root.path}/logs`;
  const folder = await RunFolder.create(`${logs}/run`);
  await folder.writeConfig({ ...TINY, epochs: 1, logs, save: "run" });
  await folder.write("steps.jsonl", '{"step":0}\n{"st');
  const resume = { kind: "resume", run: "run", logs, changes: {}, autotune: "off" } as const;

  const failure = new Error("Cannot train: still too large");
  await assert.rejects(heard(() => runTask(tinyTask({ failure }), resume)), failure);
  assert.ok(await folder.has("config.json"), "what was there stays");

  const { code, text } = await heard(() => runTask(tinyTask(), resume));
  assert.equal(code, 0, text);
  assert.match(text, /Nothing was saved in .*run: the run starts from its beginning\n/);
  assert.doesNotMatch(text, /finished/);
  assert.deepEqual(await filesIn(folder.path), RUN_FOLDER);
  assert.equal((await Deno.readTextFile(folder.file("steps.jsonl"))).split("\n").length, 3);
});

Deno.test("resumeCommand: finds the run again, whatever its name", async () => {
  await using root = await tempFolder();
  const of = (folder: RunFolder, logs: string) =>
    resumeCommand(folder, {
      command: "deno task cifar",
      settings: { ...CIFAR_DEFAULTS, logs },
      defaults: CIFAR_DEFAULTS,
    });
  const logs = `${root.path}/my logs`;
  const run = await RunFolder.create(`${logs}/it's 1`);
  const words = [logs, run.path].map((path) => path.replaceAll("'", "'\\''"));
  assert.equal(of(run, logs), `deno task cifar --resume 'it'\\''s 1' --logs '${words[0]}'`);
  assert.equal((await resolveRun(run.name, { logs })).path, run.path);
  assert.equal(of(run, "elsewhere"), `deno task cifar --resume '${words[1]}'`);
  const folder = async (path: string) => await RunFolder.open(path);
  using _cwd = inside(root.path);
  await Deno.mkdir("logs/run", { recursive: true });
  assert.equal(of(await folder("logs/run"), "logs"), "deno task cifar --resume run");
  assert.equal(
    of(await folder(resolve("logs/run")), resolve("logs")),
    "deno task cifar --resume run",
  );
});

/** Works in a folder until it is disposed of. */
function inside(path: string): Disposable {
  const before = Deno.cwd();
  Deno.chdir(path);
  return { [Symbol.dispose]: () => Deno.chdir(before) };
}
