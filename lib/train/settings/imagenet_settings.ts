import { LATER_RUN_SETTINGS, teacherName } from "./run_settings.ts";
import { type StreamedSettings, STREAMING_DEFAULTS } from "./streamed_settings.ts";
import { methodName, TRANSFER_DEFAULTS } from "./transfer_settings.ts";

/** The blocks of a ResNet-34 by the names that `--depth34_blocks` takes. */
export const DEPTH34_BLOCKS = ["usual", "original"] as const;

/** What an ImageNet run is started with; the names are those of the flags, of `config.json` and of `log.txt`. */
export interface ImageNetSettings extends StreamedSettings {
  /** Layers of the ResNet, 18 or 34. */
  depth: number;
  /** Factor on the group widths 64, 128, 256 and 512. */
  width: number;
  /** The folder with `train` and `val`, or of a pack; `~` is the home folder. */
  imagenetpath: string;
  /** The teacher: a weights file, a run's name or a folder; empty for none. */
  teacher_params: string;
  /** Seed of a folded ResNet-34 with random weights as the teacher; null for none. */
  teacher_random: number | null;
  /** Blocks at depth 34: `usual` is 3, 4, 6, 3, `original` the original code's 3, 4, 6, 5. */
  depth34_blocks: typeof DEPTH34_BLOCKS[number];
}

/** The settings that ImageNet runs of earlier versions did not have, as these trained. */
export const LATER_IMAGENET_SETTINGS = { ...TRANSFER_DEFAULTS, ...LATER_RUN_SETTINGS } as const;

/** The settings of a run that is told nothing: the original's defaults, and ours for the rest. */
export const IMAGENET_DEFAULTS: Readonly<ImageNetSettings> = {
  dtype: "float",
  depth: 18,
  width: 1,
  imagenetpath: "",
  teacher_params: "",
  batch_size: 256,
  lr: 0.1,
  epochs: 100,
  weight_decay: 0.0001,
  epoch_step: [30, 60, 90],
  lr_decay_ratio: 0.1,
  resume: "",
  ...LATER_IMAGENET_SETTINGS,
  cuda: false,
  save: "",
  ngpu: 1,
  gpu_id: "0",
  seed: 0,
  init: "",
  max_steps: null,
  log_every: 50,
  logs: "logs",
  teacher_random: null,
  depth34_blocks: "usual",
  ...STREAMING_DEFAULTS,
};

/**
 * Names a run after its settings: the method, the student, the data set and the teacher.
 *
 * @returns A folder's name, such as `at_imagenet_18_1_from_resnet-34-export`.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(imageNetRunName({ ...IMAGENET_DEFAULTS, width: 2 }), "resnet_imagenet_18_2");
 * ```
 */
export function imageNetRunName(settings: Readonly<ImageNetSettings>): string {
  const { depth, width, teacher_params: params, teacher_random: random } = settings;
  const teacher = params === "" ? (random === null ? "" : `random_${random}`) : teacherName(params);
  const from = teacher === "" ? "" : `_from_${teacher}`;
  return `${methodName(settings)}_imagenet_${depth}_${width}${from}`;
}
