import type { RealType } from "../gpu/dtype.ts";

/** The data sets by the names that `--dataset` takes. */
export const DATASETS = ["CIFAR10", "CIFAR100", "shapes"] as const;

/** A data set's name. */
export type DatasetName = typeof DATASETS[number];

/** The types of activations and gradients by the names that `--dtype` takes. */
export const DTYPES = ["float", "half"] as const;

/** The name of a type. */
export type DtypeName = typeof DTYPES[number];

/** What a CIFAR run is started with; the names are those of the flags, of `config.json` and of `log.txt`. */
export interface CifarSettings {
  /** Layers of the wide ResNet, 6n+4. */
  depth: number;
  /** Factor on the group widths 16, 32 and 64. */
  width: number;
  /** The data set. */
  dataset: DatasetName;
  /** The folder that holds the data set's folder. */
  dataroot: string;
  /** The type of activations and gradients. */
  dtype: DtypeName;
  /** Loader threads of the original; without effect here. */
  nthread: number;
  /** The teacher: a run's name, a folder or a weights file; empty for none. */
  teacher_id: string;
  /** Images a step. */
  batch_size: number;
  /** The learning rate of the first epoch. */
  lr: number;
  /** Passes over the training set. */
  epochs: number;
  /** Weight decay, on every trainable parameter. */
  weight_decay: number;
  /** The epochs, counted from 1, at whose start the learning rate drops. */
  epoch_step: number[];
  /** Factor on the learning rate at each drop. */
  lr_decay_ratio: number;
  /** The run that is resumed; empty for none. */
  resume: string;
  /** Pixels of reflected padding before the random crop. */
  randomcrop_pad: number;
  /** Temperature of the distillation loss. */
  temperature: number;
  /** Weight of the distillation loss; the cross-entropy weighs 1 - alpha. */
  alpha: number;
  /** Weight of the attention-transfer loss. */
  beta: number;
  /** The original's CUDA switch; without effect here. */
  cuda: boolean;
  /** Where the run's folder goes; empty to name it after its settings. */
  save: string;
  /** Number of GPUs. */
  ngpu: number;
  /** Which GPU. */
  gpu_id: string;
  /** Seed of initialisation, order and augmentation. */
  seed: number;
  /** A weights file to start from; empty for a fresh initialisation. */
  init: string;
  /** The step count, from step 0, after which the run ends; null for no bound. */
  max_steps: number | null;
  /** Trains on the images as they are. */
  no_augment: boolean;
  /** Takes the records in file order. */
  no_shuffle: boolean;
  /** Steps between two lines of `steps.jsonl`. */
  log_every: number;
  /** The folder that holds the runs. */
  logs: string;
  /** Nesterov momentum in place of plain momentum. */
  nesterov: boolean;
  /** How many images of the training set are used, from its first; null for all. */
  train_images: number | null;
}

/** The settings of a run that is told nothing: the original's defaults, and ours for the rest. */
export const CIFAR_DEFAULTS: Readonly<CifarSettings> = {
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
  temperature: 4,
  alpha: 0,
  beta: 0,
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

/** What a run stores activations and gradients as. */
export function realTypeOf({ dtype }: Pick<CifarSettings, "dtype">): RealType {
  return dtype === "half" ? "f16" : "f32";
}

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
 * assert.equal(runName({ ...CIFAR_DEFAULTS, width: 2 }), "resnet_16_2");
 * ```
 */
export function runName(settings: Readonly<CifarSettings>): string {
  const losses = [settings.beta > 0 ? "at" : "", settings.alpha > 0 ? "kd" : ""];
  const method = losses.filter((loss) => loss !== "").join("_") || "resnet";
  const student = `${method}_${settings.depth}_${settings.width}`;
  const data = settings.dataset === "CIFAR10" ? "" : `_${settings.dataset}`;
  const teacher = settings.teacher_id === "" ? "" : `_from_${teacherName(settings.teacher_id)}`;
  return `${student}${data}${teacher}`;
}

function teacherName(teacher: string): string {
  const last = teacher.split(/[\\/]/).findLast((part) => /[^.]/.test(part)) ?? "teacher";
  return last.replace(/\.[a-z][a-z0-9]*$/i, "");
}
