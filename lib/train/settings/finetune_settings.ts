import { basename, resolve } from "node:path";
import { LATER_RUN_SETTINGS, teacherName } from "./run_settings.ts";
import { type StreamedSettings, STREAMING_DEFAULTS } from "./streamed_settings.ts";
import { methodName, TRANSFER_DEFAULTS } from "./transfer_settings.ts";

/** What fine-tuning sees of a training image, by the names that `--crop` takes. */
export const CROPS = ["random", "resized"] as const;

/**
 * What fine-tuning is started with; the names are those of the flags, of `config.json` and of `log.txt`. `init` is the
 * pretrained student: a weights file, a run's name or a folder.
 */
export interface FinetuneSettings extends StreamedSettings {
  /** The folder of images, of any layout; `~` is the home folder. */
  data: string;
  /** The teacher: a weights file, a run's name or a folder; empty for none. */
  teacher: string;
  /** What training sees of an image: a `random` square of the resized image, or a part of it `resized`. */
  crop: typeof CROPS[number];
  /** The first groups that stay as they are, and with them the stem. */
  freeze: number;
  /** Whether the student keeps the head that its file has. */
  keep_head: boolean;
}

/**
 * The settings of a run that is told nothing. Groups, crops and what is frozen are the paper's; batch size, learning
 * rate, epochs and weight decay are our choice, since it publishes none.
 */
export const FINETUNE_DEFAULTS: Readonly<FinetuneSettings> = {
  dtype: "float",
  data: "",
  teacher: "",
  crop: "random",
  freeze: 1,
  keep_head: false,
  ...STREAMING_DEFAULTS,
  batch_size: 32,
  lr: 0.01,
  epochs: 30,
  weight_decay: 0.0001,
  epoch_step: [16, 26],
  lr_decay_ratio: 0.1,
  resume: "",
  ...TRANSFER_DEFAULTS,
  ...LATER_RUN_SETTINGS,
  taps: [2, 3],
  grad_bn: "eval",
  cuda: false,
  save: "",
  ngpu: 1,
  gpu_id: "0",
  seed: 0,
  init: "",
  max_steps: null,
  log_every: 50,
  logs: "logs",
};

/**
 * Names a run after its settings: the method, the data set, the student and the teacher.
 *
 * @returns A folder's name, such as `at_CUB_200_2011_resnet-18-export_from_resnet-34-export`.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const settings = { ...FINETUNE_DEFAULTS, data: "sets/CUB_200_2011/", init: "zoo/resnet-18-export.hkl" };
 * assert.equal(finetuneRunName(settings), "resnet_CUB_200_2011_resnet-18-export");
 * ```
 */
export function finetuneRunName(settings: Readonly<FinetuneSettings>): string {
  const { data, init, teacher } = settings;
  const from = teacher === "" ? "" : `_from_${teacherName(teacher)}`;
  return `${methodName(settings)}_${basename(resolve(data))}_${teacherName(init)}${from}`;
}
