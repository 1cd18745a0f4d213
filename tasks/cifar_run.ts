import { Gpu } from "../lib/gpu/device.ts";
import type { Variants } from "../lib/gpu/tuning.ts";
import type { Model } from "../lib/models/model.ts";
import { openModel } from "../lib/models/open_model.ts";
import { groupWidths, wideResNet } from "../lib/models/wide_resnet.ts";
import type { Autotune } from "../lib/train/autotune.ts";
import { evaluate } from "../lib/train/evaluate.ts";
import { resolveRun, saveLocation } from "../lib/train/find_run.ts";
import type { FinishedEpoch } from "../lib/train/fit.ts";
import type { ImageSet } from "../lib/train/image_set.ts";
import { profileStep } from "../lib/train/profile_step.ts";
import { readSettings } from "../lib/train/read_settings.ts";
import { Run, stepOptions } from "../lib/train/run.ts";
import { RunFolder } from "../lib/train/run_folder.ts";
import { CIFAR_DEFAULTS, type CifarSettings, realTypeOf, runName } from "../lib/train/settings.ts";
import { readWeights } from "../lib/weights/read_weights.ts";
import type { CifarCommand } from "./cifar_options.ts";
import { openData } from "./open_data.ts";
import { findWeights, openTeacher } from "./open_teacher.ts";
import { formatProfile } from "./profile_text.ts";
import { createProgress, createTuningProgress } from "./progress.ts";
import { StopSignals } from "./stop_signals.ts";
import { trainingView } from "./training_view.ts";

type Asked<Kind extends CifarCommand["kind"]> = Extract<CifarCommand, { kind: Kind }>;

/**
 * Starts a run.
 *
 * @returns The exit code.
 */
export async function startRun({ settings, autotune }: Asked<"train">): Promise<number> {
  using cast = await openCast(settings);
  await initialise(cast.model, settings);
  const { logs, save } = settings;
  const folder = save === ""
    ? await RunFolder.create(saveLocation(runName(settings), logs), { numbered: true })
    : await RunFolder.create(saveLocation(save, logs));
  return await train(cast, { settings, folder, autotune, begin: Run.start });
}

/**
 * Trains a few steps as a run with these settings would, and prints where the time and the memory of one go.
 *
 * @returns The exit code.
 */
export async function profileRun({ settings, autotune }: Asked<"profile">): Promise<number> {
  using cast = await openCast(settings);
  const { gpu, data, model, teacher } = cast;
  await initialise(model, settings);
  using tuning = createTuningProgress();
  const profile = await profileStep(model, {
    ...stepOptions(settings),
    data,
    teacher,
    autotune,
    onTuning: (state) => tuning.update(state),
    onNote: (note) => tuning.note(note),
  });
  const names = teacher === null ? model.name : `${model.name} from ${teacher.name}`;
  console.log(
    formatProfile(profile, { title: `${names} on ${data.name}`, adapter: gpu.adapter.name }),
  );
  return 0;
}

/**
 * Takes up a run where it was left.
 *
 * @returns The exit code.
 */
export async function resumeRun(
  { run, logs, changes, autotune }: Asked<"resume">,
): Promise<number> {
  const folder = await RunFolder.open((await resolveRun(run, { logs })).path);
  const config = readSettings(await folder.readConfig(), folder.file("config.json"));
  const settings = { ...config, ...changes };
  using cast = await openCast(settings);
  return await train(cast, { settings, folder, autotune, begin: Run.resume });
}

/**
 * Evaluates the student of a run, or a weights file, and prints loss and accuracy.
 *
 * @returns The exit code.
 */
export async function evaluateRun({ target, logs, changes }: Asked<"evaluate">): Promise<number> {
  const path = await findWeights(target, { logs });
  const { kind, path: place } = await resolveRun(target, { logs, allowFile: true });
  const config = kind === "file"
    ? CIFAR_DEFAULTS
    : readSettings(await (await RunFolder.open(place)).readConfig(), `${place}/config.json`);
  const settings = { ...config, ...changes };
  const data = await openData(settings);
  using gpu = await Gpu.open();
  using model = await openModel(gpu, path);
  wantClasses(model, data, path);
  const { loss, accuracy } = await evaluate(model, {
    data,
    batchSize: settings.batch_size,
    dtype: realTypeOf(settings),
  });
  console.log(`${model.name} of ${path} on ${data.test.count} test images of ${data.name}`);
  console.log(`test_loss ${loss.toFixed(4)}  test_acc ${accuracy.toFixed(2)} %`);
  return 0;
}

function wantClasses(model: Model, data: ImageSet, path: string): void {
  if (model.classes === data.classes) return;
  throw new TypeError(
    `Cannot evaluate ${path} on ${data.name}: it must tell ${data.classes} classes apart, found ${model.classes}`,
  );
}

/** Who takes part in a run. */
interface Cast extends Disposable {
  readonly gpu: Gpu;
  readonly data: ImageSet;
  readonly model: Model;
  readonly teacher: Model | null;
}

async function openCast(settings: CifarSettings): Promise<Cast> {
  const { depth, width, seed, teacher_id, logs } = settings;
  if (teacher_id !== "") await findWeights(teacher_id, { logs });
  using opened = new DisposableStack();
  const gpu = opened.use(await Gpu.open());
  if (settings.dtype === "half") gpu.wantHalf("train with --dtype half");
  const data = await openData(settings);
  const { classes } = data;
  const teacher = await openTeacher(gpu, { teacher_id, logs, classes });
  const model = wideResNet(gpu, { depth, widths: groupWidths(width), classes, seed });
  const kept = opened.move();
  return { gpu, data, model, teacher, [Symbol.dispose]: () => kept.dispose() };
}

async function initialise(model: Model, { init }: CifarSettings): Promise<void> {
  if (init === "") return;
  const { tensors } = await readWeights(init);
  model.parameters.load(tensors, { from: init });
}

async function train(
  { gpu, data, model, teacher }: Cast,
  { settings, folder, autotune, begin }: {
    settings: CifarSettings;
    folder: RunFolder;
    autotune: Autotune | undefined;
    begin: typeof Run.start;
  },
): Promise<number> {
  using stop = new StopSignals();
  using tuning = createTuningProgress();
  using progress = createProgress();
  const view = trainingView(progress, { settings, data });
  const run = await begin(model, {
    folder,
    settings,
    data,
    teacher,
    signal: stop.signal,
    autotune,
    onTuning: (state) => tuning.update(state),
    onNote: (note) => tuning.note(note),
    onVariants: (variants) => {
      tuning.done();
      if (Object.keys(variants).length > 0) progress.note(variantsNote(variants));
    },
    onPlan: ({ dispatches, peakBytes, intermediateBytes }) =>
      progress.note(
        `${dispatches.length} dispatches a step; intermediate tensors take ${
          megabytes(peakBytes)
        } MB (${megabytes(intermediateBytes)} MB without sharing)`,
      ),
    onProgress: (landed) => view.onProgress(landed),
    onSteps: (steps) => view.onSteps(steps),
    onEpoch: (epoch) => progress.note(epochNote(epoch, settings)),
  });
  const parameters = model.parameters.count({ statistics: true });
  progress.note(
    `${model.name}, ${parameters} parameters${teacher === null ? "" : `, from ${teacher.name}`}; ` +
      `${data.name}, ${data.train.count} images; ${gpu.adapter.name}; ${folder.path}`,
  );
  const isDone = await run.train();
  if (settings.dtype === "half") {
    progress.note(`${run.skippedSteps} steps skipped for gradients beyond half precision`);
  }
  progress.done();
  if (isDone) return 0;
  console.error(
    `Stopped and saved; go on with: deno task cifar --resume ${resumeName(folder, settings)}`,
  );
  return stop.exitCode;
}

function resumeName(folder: RunFolder, { logs }: CifarSettings): string {
  if (saveLocation(folder.name, logs) !== folder.path) return folder.path;
  return logs === CIFAR_DEFAULTS.logs ? folder.name : `${folder.name} --logs ${logs}`;
}

function variantsNote(variants: Variants): string {
  const counts = new Map<string, number>();
  for (const name of Object.values(variants)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const words = [...counts].sort(([, a], [, b]) => b - a).map(([name, count]) =>
    `${count} ${name}`
  );
  return `convolution kernels: ${words.join(", ")}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function epochNote({ epoch, steps, evaluation }: FinishedEpoch, { epochs }: CifarSettings): string {
  const seconds = steps.reduce((sum, step) => sum + step.seconds, 0);
  const loss = steps.reduce((sum, step) => sum + step.loss, 0) / steps.length;
  const images = steps.reduce((sum, step) => sum + step.images, 0);
  const right = steps.reduce((sum, step) => sum + step.right, 0);
  return `epoch ${epoch}/${epochs}: train_loss ${loss.toFixed(4)}  train_acc ${
    (100 * right / images).toFixed(2)
  } %  test_loss ${evaluation.loss.toFixed(4)}  test_acc ${evaluation.accuracy.toFixed(2)} %  ${
    seconds.toFixed(1)
  } s`;
}
