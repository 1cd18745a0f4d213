import { LATER_RUN_SETTINGS, type RunSettings, teacherName } from "./run_settings.ts";
import { methodName, TRANSFER_DEFAULTS } from "./transfer_settings.ts";

/** The data sets by the names that `--dataset` takes. */
export const DATASETS = ["CIFAR10", "CIFAR100", "shapes"] as const;

/** A data set's name. */
export type DatasetName = typeof DATASETS[number];

/** The networks by the names that `--model` takes. */
export const MODELS = ["wrn", "nin-wide", "nin-thin"] as const;

/** A network's name. */
export type ModelName = typeof MODELS[number];

/** What a CIFAR run is started with; the names are those of the flags, of `config.json` and of `log.txt`. */
export interface CifarSettings extends RunSettings {
  /** The network that learns. */
  model: ModelName;
  /** Layers of the wide ResNet, 6n+4. */
  depth: number;
  /** Factor on the group widths 16, 32 and 64. */
  width: number;
  /** A Network-in-Network without batch normalisation. */
  no_bn: boolean;
  /** A Network-in-Network without a ReLU before each pooling. */
  no_pool_relu: boolean;
  /** The data set. */
  dataset: DatasetName;
  /** The folder that holds the data set's folder. */
  dataroot: string;
  /** Loader threads of the original; without effect here. */
  nthread: number;
  /** The teacher: a run's name, a folder or a weights file; empty for none. */
  teacher_id: string;
  /** Pixels of reflected padding before the random crop. */
  randomcrop_pad: number;
  /** Trains on the images as they are. */
  no_augment: boolean;
  /** Takes the records in file order. */
  no_shuffle: boolean;
  /** Nesterov momentum in place of plain momentum. */
  nesterov: boolean;
  /** How many images of the training set are used, from its first; null for all. */
  train_images: number | null;
}

/** The settings that CIFAR runs of earlier versions did not have, as these trained. */
export const LATER_CIFAR_SETTINGS = {
  ...TRANSFER_DEFAULTS,
  ...LATER_RUN_SETTINGS,
  model: "wrn",
  no_bn: false,
  no_pool_relu: false,
} as const;

/** The settings of a run that is told nothing: the original's defaults, and ours for the rest. */
export const CIFAR_DEFAULTS: Readonly<CifarSettings> = {
  ...LATER_CIFAR_SETTINGS,
  depth: 16,
  width: 1,
  dataset: "CIFAR10",
  dataroot: ".",
  dtype: "float",
  nthread: 4,
  teacher_id: "",
  batch_size: 128,
  lr: 0.1,
  epochs: 200,
  weight_decay: 0.0005,
  epoch_step: [60, 120, 160],
  lr_decay_ratio: 0.2,
  resume: "",
  randomcrop_pad: 4,
  cuda: false,
  save: "",
  ngpu: 1,
  gpu_id: "0",
  seed: 0,
  init: "",
  max_steps: null,
  no_augment: false,
  no_shuffle: false,
  log_every: 50,
  logs: "logs",
  nesterov: false,
  train_images: null,
};

/**
 * Names a run after its settings: the method, the student, the data set unless it is CIFAR-10,
 * and the teacher.
 *
 * @param settings The run's settings.
 * @returns A folder's name, such as `at_16_1_from_resnet_16_2_teacher`.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(cifarRunName({ ...CIFAR_DEFAULTS, width: 2 }), "resnet_16_2");
 * ```
 */
export function cifarRunName(settings: Readonly<CifarSettings>): string {
  const { model, depth, width, no_bn } = settings;
  const network = model === "wrn" ? `${depth}_${width}` : `${model}${no_bn ? "_no_bn" : ""}`;
  const student = `${methodName(settings)}_${network}`;
  const data = settings.dataset === "CIFAR10" ? "" : `_${settings.dataset}`;
  const teacher = settings.teacher_id === "" ? "" : `_from_${teacherName(settings.teacher_id)}`;
  return `${student}${data}${teacher}`;
}
