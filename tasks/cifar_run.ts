import { Gpu } from "../lib/gpu/device.ts";
import type { Model } from "../lib/models/model.ts";
import { networkInNetwork } from "../lib/models/nin.ts";
import { NIN_WIDTHS } from "../lib/models/nin_sizes.ts";
import { openModel } from "../lib/models/open_model.ts";
import { groupWidths, wideResNet } from "../lib/models/wide_resnet.ts";
import { CIFAR_KIND } from "../lib/train/cifar_kind.ts";
import { evaluate } from "../lib/train/evaluate.ts";
import { resolveRun } from "../lib/train/find_run.ts";
import type { ImageSet } from "../lib/train/image_set.ts";
import { readSettings } from "../lib/train/read_settings.ts";
import { RunFolder } from "../lib/train/run_folder.ts";
import { realTypeOf } from "../lib/train/run_settings.ts";
import { CIFAR_DEFAULTS, type CifarSettings, runName } from "../lib/train/settings.ts";
import type { CifarCommand } from "./cifar_options.ts";
import { openData } from "./open_data.ts";
import { findWeights, openTeacher } from "./open_teacher.ts";
import {
  type Cast,
  initialise,
  type Job,
  newFolder,
  profileCast,
  trainCast,
} from "./training_run.ts";

type Asked<Kind extends CifarCommand["kind"]> = Extract<CifarCommand, { kind: Kind }>;

/** What takes up a run; more may change than a person may ask for. */
type Resumption = Omit<Asked<"resume">, "changes"> & { changes: Partial<CifarSettings> };

const TASK = { command: "deno task cifar", kind: CIFAR_KIND };

/**
 * Starts a run, or profiles what it would do.
 *
 * @param asked The settings, and how kernels are chosen.
 * @param part What goes on with it after a stop, where it is a part of something larger.
 * @returns The exit code.
 */
export async function startRun(
  { kind, settings, autotune }: Asked<"train" | "profile">,
  { goesOn }: Pick<Job<CifarSettings>, "goesOn"> = {},
): Promise<number> {
  using cast = await openCast(settings);
  await initialise(cast.model, settings);
  const job: Job<CifarSettings> = { ...TASK, settings, autotune, goesOn };
  if (kind === "profile") return await profileCast(cast, job);
  const folder = await newFolder(cast, { job, name: runName(settings) });
  return await trainCast(cast, { job, folder, resumes: false });
}

/**
 * Takes up a run where it was left.
 *
 * @param asked The run, what changes, and how kernels are chosen.
 * @param part What goes on with it after a stop, where it is a part of something larger.
 * @returns The exit code.
 */
export async function resumeRun(
  { run, logs, changes, autotune }: Resumption,
  { goesOn }: Pick<Job<CifarSettings>, "goesOn"> = {},
): Promise<number> {
  const folder = await RunFolder.open((await resolveRun(run, { logs })).path);
  const config = readSettings(await folder.readConfig(), folder.file("config.json"));
  const settings = { ...config, ...changes };
  using cast = await openCast(settings);
  const job: Job<CifarSettings> = { ...TASK, settings, autotune, goesOn };
  return await trainCast(cast, { job, folder, resumes: true });
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

/** Makes the network that the settings describe, with fresh weights. */
export function makeStudent(
  gpu: Gpu,
  { model, depth, width, no_bn, no_pool_relu, seed }: CifarSettings,
  { classes }: { classes: number },
): Model {
  if (model === "wrn") return wideResNet(gpu, { depth, widths: groupWidths(width), classes, seed });
  const widths = NIN_WIDTHS[model === "nin-wide" ? "wide" : "thin"];
  const shape = { batchNorm: !no_bn, reluBeforePool: !no_pool_relu };
  return networkInNetwork(gpu, { widths, classes, seed, ...shape });
}

async function openCast(settings: CifarSettings): Promise<Cast & Disposable> {
  const { teacher_id, logs } = settings;
  if (teacher_id !== "") await findWeights(teacher_id, { logs });
  using opened = new DisposableStack();
  const gpu = opened.use(await Gpu.open());
  if (settings.dtype === "half") gpu.wantHalf("train with --dtype half");
  const data = await openData(settings);
  const { classes } = data;
  const teacher = await openTeacher(gpu, { teacher_id, logs, classes });
  const model = opened.use(makeStudent(gpu, settings, { classes }));
  const kept = opened.move();
  return { gpu, data, model, teacher, [Symbol.dispose]: () => kept.dispose() };
}
