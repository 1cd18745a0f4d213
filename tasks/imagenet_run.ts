import { Gpu } from "../lib/gpu/device.ts";
import { foldedResNet } from "../lib/models/folded_resnet.ts";
import type { Model } from "../lib/models/model.ts";
import { openModel } from "../lib/models/open_model.ts";
import { resNet } from "../lib/models/resnet.ts";
import { type FourGroups, resNetBlocks, resNetWidths } from "../lib/models/resnet_sizes.ts";
import { evaluate } from "../lib/train/evaluate.ts";
import { resolveRun } from "../lib/train/find_run.ts";
import { IMAGENET_KIND } from "../lib/train/imagenet_kind.ts";
import {
  IMAGENET_DEFAULTS,
  imageNetRunName,
  type ImageNetSettings,
} from "../lib/train/imagenet_settings.ts";
import { readImageNetSettings } from "../lib/train/read_imagenet_settings.ts";
import { RunFolder } from "../lib/train/run_folder.ts";
import { realTypeOf } from "../lib/train/run_settings.ts";
import { UsageError } from "./flags.ts";
import { type OpenedImages, openImageNet } from "./imagenet_data.ts";
import type { ImageNetCommand } from "./imagenet_options.ts";
import { findWeights, openTeacher } from "./open_teacher.ts";
import {
  type Cast,
  initialise,
  type Job,
  newFolder,
  profileCast,
  trainCast,
} from "./training_run.ts";

type Asked<Kind extends ImageNetCommand["kind"]> = Extract<ImageNetCommand, { kind: Kind }>;

const TASK = { command: "deno task imagenet", kind: IMAGENET_KIND };
/** Channels before the first group, whatever the width, as in the original. */
const STEM = 64;
/** The last group has two blocks more than the published ResNet-34. */
const ORIGINAL_BLOCKS: FourGroups = [3, 4, 6, 5];

/**
 * Starts a run, or profiles what it would do.
 *
 * @returns The exit code.
 */
export async function startRun(
  { kind, settings, autotune }: Asked<"train" | "profile">,
): Promise<number> {
  using cast = await openCast(settings);
  await initialise(cast.model, settings);
  const job: Job<ImageNetSettings> = { ...TASK, settings, autotune };
  if (kind === "profile") return await profileCast(cast, job);
  const folder = await newFolder(settings, imageNetRunName(settings));
  return await train(cast, { job, folder, resumes: false });
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
  const config = readImageNetSettings(await folder.readConfig(), folder.file("config.json"));
  const settings = { ...config, ...changes };
  using cast = await openCast(settings);
  const job: Job<ImageNetSettings> = { ...TASK, settings, autotune };
  return await train(cast, { job, folder, resumes: true });
}

/**
 * Validates the student of a run, or a weights file, and prints loss, top-1, top-5 and the time.
 *
 * @returns The exit code.
 */
export async function evaluateRun({ target, logs, changes }: Asked<"evaluate">): Promise<number> {
  const path = await findWeights(target, { logs });
  const { kind, path: place } = await resolveRun(target, { logs, allowFile: true });
  const config = kind === "file" ? { ...IMAGENET_DEFAULTS, logs } : readImageNetSettings(
    await (await RunFolder.open(place)).readConfig(),
    `${place}/config.json`,
  );
  const settings = { ...config, ...changes, accumulate: 1 };
  if (settings.imagenetpath === "") {
    throw new UsageError(
      "Cannot evaluate: wanted --imagenetpath with a folder of images, found none",
    );
  }
  using gpu = await Gpu.open();
  using model = await openModel(gpu, path);
  using images = await openImageNet(settings);
  const { data } = images;
  if (model.classes !== data.classes) {
    throw new TypeError(
      `Cannot evaluate ${path} on ${data.name}: it must tell ${data.classes} classes apart, found ${model.classes}`,
    );
  }
  const began = performance.now();
  const { loss, accuracy, topFive = NaN } = await evaluate(model, {
    data,
    topFive: true,
    dtype: realTypeOf(settings),
  });
  const seconds = (performance.now() - began) / 1000;
  const { count } = data.sources.test;
  console.log(`${model.name} of ${path} on ${count} validation images of ${data.name}`);
  console.log(
    `test_loss ${loss.toFixed(4)}  top-1 ${accuracy.toFixed(2)} %  top-5 ${topFive.toFixed(2)} %  ${
      seconds.toFixed(1)
    } s, ${(count / seconds).toFixed(0)} images/s`,
  );
  tellSkipped(images);
  return 0;
}

/** Who takes part in a run, and the images with their workers. */
interface ImageNetCast extends Cast, Disposable {
  readonly images: OpenedImages;
}

async function train(
  cast: ImageNetCast,
  options: { job: Job<ImageNetSettings>; folder: RunFolder; resumes: boolean },
): Promise<number> {
  const code = await trainCast(cast, options);
  tellSkipped(cast.images);
  return code;
}

function tellSkipped({ skipped }: OpenedImages): void {
  if (skipped.size === 0) return;
  const one = skipped.size === 1;
  console.error(`${skipped.size} image${one ? " was" : "s were"} skipped:`);
  for (const [name, reason] of skipped) console.error(`  ${name}: ${reason}`);
}

async function openCast(settings: ImageNetSettings): Promise<ImageNetCast> {
  const { teacher_params, logs, seed } = settings;
  if (teacher_params !== "") await findWeights(teacher_params, { logs });
  using opened = new DisposableStack();
  const gpu = opened.use(await Gpu.open());
  if (settings.dtype === "half") gpu.wantHalf("train with --dtype half");
  const images = opened.use(await openImageNet(settings));
  const { data } = images;
  const { classes } = data;
  const teacher = await teacherOf(gpu, settings, { classes });
  const blocks = settings.depth34_blocks === "original"
    ? ORIGINAL_BLOCKS
    : resNetBlocks(settings.depth);
  const model = resNet(gpu, {
    blocks,
    widths: resNetWidths(settings.width),
    stem: STEM,
    classes,
    seed,
  });
  const kept = opened.move();
  return { gpu, data, images, model, teacher, [Symbol.dispose]: () => kept.dispose() };
}

async function teacherOf(
  gpu: Gpu,
  { teacher_params, teacher_random, width, alpha, logs }: ImageNetSettings,
  { classes }: { classes: number },
): Promise<Model | null> {
  if (teacher_random !== null) {
    return foldedResNet(gpu, {
      blocks: resNetBlocks(34),
      widths: resNetWidths(width),
      stem: STEM,
      classes,
      seed: teacher_random,
    });
  }
  // Attention can be learned from a teacher of other classes, logits cannot.
  const wanted = alpha > 0 ? { classes } : {};
  return await openTeacher(gpu, { teacher_id: teacher_params, logs, ...wanted });
}
