import assert from "node:assert/strict";
import { resolve } from "node:path";
import type { Gpu } from "../../../lib/gpu/device.ts";
import { resolveRun } from "../../../lib/train/find_run.ts";
import { RunFolder } from "../../../lib/train/run_folder.ts";
import { CIFAR_DEFAULTS, type CifarSettings } from "../../../lib/train/settings/cifar_settings.ts";
import { writeWeights } from "../../../lib/weights/write_weights.ts";
import type { LaunchRequest } from "../../../tasks/launch/launch_request.ts";
import { CIFAR_TASK, makeNetwork } from "../../../tasks/training/cifar_task.ts";
import { rankSettingsOf, type RunTask, runTask } from "../../../tasks/training/run_task.ts";
import { resumeCommand, stopNote } from "../../../tasks/training/training_run.ts";
import { writeCheckpoint } from "../../support/checkpoint.ts";
import { testGpu } from "../../support/gpu.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { tinyModel, tinySet } from "../../support/tiny.ts";
import { filesIn, TINY } from "../../support/tiny_run.ts";

/** A training of the tiny network, which may fail at its first step, or lose the GPU after some submits. */
function tinyTask(
  { failure, losses = [] }: { failure?: Error; losses?: number[] } = {},
): RunTask<CifarSettings> {
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
      loseAfter(gpu, losses.shift() ?? Infinity);
      model.apply = (x, options) => {
        if (failure !== undefined) throw failure;
        return apply(x, options);
      };
      return Promise.resolve({ model, teacher: null });
    },
  };
}

function loseAfter({ device }: Gpu, submits: number): void {
  let left = submits;
  const submit = device.queue.submit.bind(device.queue);
  device.queue.submit = (buffers) => {
    if (left-- === 0) device.destroy();
    submit(buffers);
  };
}

/** What a command says on standard error and prints, and its exit code. */
async function heard(
  run: () => Promise<number>,
): Promise<{ code: number; text: string; printed: string }> {
  const [stderr, stdout] = [Deno.stderr.writeSync, Deno.stdout.writeSync];
  let [text, printed] = ["", ""];
  Deno.stderr.writeSync = (bytes) => {
    text += new TextDecoder().decode(bytes);
    return bytes.length;
  };
  Deno.stdout.writeSync = (bytes) => {
    printed += new TextDecoder().decode(bytes);
    return bytes.length;
  };
  try {
    return { code: await run(), text, printed };
  } finally {
    Deno.stderr.writeSync = stderr;
    Deno.stdout.writeSync = stdout;
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

Deno.test("runTask: a run that loses the GPU goes on from what was saved, to the same bits", async () => {
  await using root = await tempFolder();
  const logs = `${root.path}/logs`;
  const train = async (save: string, losses: number[]) => {
    const settings = { ...TINY, epochs: 3, logs, save };
    const command = { kind: "train", settings, autotune: "off" } as const;
    return await heard(() => runTask(tinyTask({ losses }), command));
  };
  const saved = (name: string) => Deno.readFile(`${logs}/${name}/checkpoint.safetensors`);
  await train("whole", []);
  const lost = await train("lost", [0, 14]);
  assert.equal(lost.code, 0, lost.text);
  assert.match(
    lost.text,
    /^The GPU was lost \(.+\): goes on from what was saved \(1 of 3 times at most\)$/m,
  );
  assert.match(lost.text, /^Nothing was saved in .*: the run starts from its beginning$/m);
  assert.match(lost.text, /: goes on from what was saved \(2 of 3 times at most\)$/m);
  assert.match(lost.text, /^epoch 1\/3[^]*\(2 of 3[^]*^epoch 3\/3/m);
  assert.deepEqual(await saved("lost"), await saved("whole"));
  await assert.rejects(
    train("often", [0, 0, 0, 0]),
    /^LostGpuError: The GPU was lost \(.+\); go on with: deno task cifar --resume often --logs /,
  );
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

Deno.test("rankSettingsOf: ranks of a resumed run wait as long as they did, unless told anew", async () => {
  await using root = await tempFolder();
  const logs = `${root.path}/logs`;
  const folder = await RunFolder.create(`${logs}/run`);
  await folder.writeConfig({ ...TINY, logs, save: "run", mpi_timeout: 7, mpi_library: "/a" });
  const of = async (run: string, changes: Partial<CifarSettings>) => {
    const found = await rankSettingsOf(CIFAR_TASK, { kind: "resume", run, logs, changes });
    return [found.mpi_timeout, found.mpi_library];
  };
  assert.deepEqual(await of("run", {}), [7, ""]);
  assert.deepEqual(await of("run", { mpi_timeout: 9, mpi_library: "/b" }), [9, "/b"]);
  assert.deepEqual(await of("another", {}), [60, ""]);
});

Deno.test("runTask: --take goes for the files of a run, for its --resume and for --evaluate", async () => {
  await using root = await tempFolder();
  const logs = `${root.path}/logs`;
  const file = `${root.path}/checkpoint.pth`;
  const narrow = { ...TINY, depth: 10, width: 0.25, logs, save: "run" };
  const gpu = await testGpu();
  // Without --take nothing of the checkpoint goes together with the images.
  using other = makeNetwork(gpu, narrow, { classes: 3 });
  using averaged = makeNetwork(gpu, narrow, { classes: 4 });
  const model_ema = await averaged.parameters.save();
  await writeCheckpoint(file, { state_dict: await other.parameters.save(), model_ema });
  await writeWeights(`${root.path}/averaged.safetensors`, model_ema);
  const task = { ...tinyTask(), openNetworks: CIFAR_TASK.openNetworks };
  const settings = { ...narrow, init: file, teacher_id: file, take: "model_ema", max_steps: 1 };
  const before = await filesIn(root.path);
  for (const change of [{ init: "" }, { teacher_id: "" }]) {
    const wrong = { ...settings, ...change, take: "ema" };
    await assert.rejects(heard(() => runTask(task, { kind: "train", settings: wrong })), {
      message: `Cannot read ${file}: wanted tensors in ema, found state_dict, model_ema`,
    });
    assert.deepEqual(await filesIn(root.path), before, "nothing is written");
  }

  const trained = await heard(() => runTask(task, { kind: "train", settings, autotune: "off" }));
  assert.equal(trained.code, 0, trained.text);
  const note = `${file}: took model_ema, left out state_dict\n`;
  assert.equal(trained.text.split(note).length, 3, trained.text);
  const resumed = await heard(() =>
    runTask(task, { kind: "resume", run: "run", logs, changes: { max_steps: 2 }, autotune: "off" })
  );
  assert.equal(resumed.code, 0, resumed.text);
  assert.equal(resumed.text.split(note).length, 2, resumed.text);

  const evaluated = (target: string, take: string) =>
    heard(() =>
      runTask(task, {
        kind: "evaluate",
        target,
        logs,
        changes: take === "" ? {} : { take },
        settings: { ...CIFAR_DEFAULTS, take },
      })
    );
  const [, found] = (await evaluated(file, "model_ema")).printed.split("\n");
  const [, wanted] = (await evaluated(`${root.path}/averaged.safetensors`, "")).printed.split("\n");
  assert.match(wanted ?? "", /^test_loss /);
  assert.equal(found, wanted);
  await assert.rejects(evaluated(file, ""), /must tell 4 classes apart, found 3$/);
  assert.match(
    (await evaluated("run", "")).printed,
    /^WRN-10-0\.25 of .*\/run\/model\.safetensors /,
  );
  await assert.rejects(evaluated("run", "model_ema"), {
    name: "RangeError",
    message: `Cannot evaluate run ${logs}/run: --take model_ema needs a weights file, found a run`,
  });
});

Deno.test("resumeCommand: finds the run again, whatever its name", async () => {
  await using root = await tempFolder();
  const of = (folder: RunFolder, logs: string) =>
    resumeCommand(folder, {
      command: "deno task cifar",
      settings: { ...CIFAR_DEFAULTS, logs },
      defaults: CIFAR_DEFAULTS,
      launch: undefined,
    });
  const logs = `${root.path}/my logs`;
  const run = await RunFolder.create(`${logs}/it's 1`);
  const words = [logs, run.path].map((path) => path.replaceAll("'", "'\\''"));
  assert.equal(of(run, logs), `deno task cifar --resume 'it'\\''s 1' --logs '${words[0]}'`);
  assert.equal((await resolveRun(run.name, { logs })).path, run.path);
  assert.equal(of(run, "elsewhere"), `deno task cifar --resume '${words[1]}'`);
});

Deno.test("resumeCommand: the usual folder of runs goes without saying, however it is named", () => {
  const logs = resolve("logs");
  const of = (path: string, logs: string, launch = {}) =>
    resumeCommand({ name: "run", path }, {
      command: "deno task cifar",
      settings: { logs },
      defaults: CIFAR_DEFAULTS,
      launch,
    });
  assert.equal(of("logs/run", "logs"), "deno task cifar --resume run");
  assert.equal(of(`${logs}/run`, logs), "deno task cifar --resume run");
  assert.equal(
    of("logs/run", "logs", { gpu_id: "0,0", share_gpu: true, oversubscribe: false, ngpu: 2 }),
    "deno task cifar --resume run --ngpu 2 --gpu_id 0,0 --share_gpu",
  );
});

Deno.test("stopNote: ranks that were started elsewhere go on from there", () => {
  const note = (ranks: number, launch: LaunchRequest) =>
    stopNote({ name: "run", path: "logs/run" }, {
      job: {
        command: "deno task cifar",
        settings: { logs: "logs" },
        defaults: CIFAR_DEFAULTS,
        launch,
      },
      ranks,
    });
  const command = "deno task cifar --resume run";
  assert.equal(note(1, {}), `Stopped and saved; go on with: ${command}`);
  assert.equal(note(2, { ngpu: 2 }), `Stopped and saved; go on with: ${command} --ngpu 2`);
  assert.equal(
    note(2, { share_gpu: true }),
    `Stopped and saved; go on, under mpirun or srun as before, with: ${command} --share_gpu`,
  );
});
