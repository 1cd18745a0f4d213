import type { Gpu } from "../../lib/gpu/device.ts";
import { foldedResNet } from "../../lib/models/folded_resnet.ts";
import type { Model } from "../../lib/models/model.ts";
import { resNet } from "../../lib/models/resnet.ts";
import { type FourGroups, resNetBlocks, resNetWidths } from "../../lib/models/resnet_sizes.ts";
import { IMAGENET_KIND } from "../../lib/train/imagenet_kind.ts";
import {
  IMAGENET_DEFAULTS,
  imageNetRunName,
  type ImageNetSettings,
} from "../../lib/train/settings/imagenet_settings.ts";
import { readImageNetSettings } from "../../lib/train/settings/read_imagenet_settings.ts";
import { openTeacher } from "./open_teacher.ts";
import type { RunTask } from "./run_task.ts";
import { openStreamed } from "./streamed_data.ts";
import { initialise } from "./training_run.ts";

/** Channels before the first group, whatever the width, as in the original. */
const STEM = 64;
/** The last group has two blocks more than the published ResNet-34. */
const ORIGINAL_BLOCKS: FourGroups = [3, 4, 6, 5];

/** What `deno task imagenet` does. */
export const IMAGENET_TASK: RunTask<ImageNetSettings> = {
  command: "deno task imagenet",
  kind: IMAGENET_KIND,
  defaults: IMAGENET_DEFAULTS,
  tellsTopFive: true,
  readSettings: readImageNetSettings,
  nameRun: imageNetRunName,
  openImages: (settings, options) =>
    openStreamed(
      { flag: "imagenetpath", folder: settings.imagenetpath, crop: "resized" },
      settings,
      options,
    ),
  weights: ({ teacher_params }) => [teacher_params],
  async openNetworks(gpu, settings, { classes, resumed }) {
    const { depth, depth34_blocks, width, seed } = settings;
    const teacher = await teacherOf(gpu, settings, { classes });
    const model = resNet(gpu, {
      blocks: depth34_blocks === "original" ? ORIGINAL_BLOCKS : resNetBlocks(depth),
      widths: resNetWidths(width),
      stem: STEM,
      classes,
      seed,
    });
    if (resumed === null) await initialise(model, settings);
    return { model, teacher };
  },
};

async function teacherOf(
  gpu: Gpu,
  { teacher_params, teacher_random, width, alpha, logs, take }: ImageNetSettings,
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
  return await openTeacher(gpu, { teacher_id: teacher_params, logs, take, ...wanted });
}
