import { AUTOTUNE, type Autotune } from "../lib/train/autotune.ts";
import { type CifarSettings, DATASETS, DTYPES } from "../lib/train/settings.ts";
import { type Flags, toggle } from "./flags.ts";
import { readList, readNumber, readOneOf, readText, readWhole } from "./flags.ts";
import type { CommandText } from "./options.ts";

const MODEL = "Model:";
const DATA = "Data:";
const TRAINING = "Training:";
const TRANSFER = "Transfer:";
const RUN = "Run:";
const MACHINE = "Machine:";

/** What the flags of `deno task cifar` set: every setting, and what is none of the run's. */
export type CifarFlags = CifarSettings & {
  evaluate: string;
  profile: boolean;
  autotune: Autotune;
};

/** The flags of `deno task cifar`. */
export const CIFAR_FLAGS: Flags<CifarFlags> = {
  depth: { group: MODEL, value: "N", help: "Layers of the wide ResNet, 6n+4", read: readWhole },
  width: {
    group: MODEL,
    value: "K",
    help: "Factor on the group widths 16, 32 and 64",
    read: readNumber,
  },
  init: {
    group: MODEL,
    value: "FILE",
    help: "Start from these weights instead of fresh ones",
    read: readText,
  },
  dataset: {
    group: DATA,
    value: "NAME",
    help: `${DATASETS.join(", ")}; shapes is built in and needs no file`,
    read: readOneOf(DATASETS),
  },
  dataroot: {
    group: DATA,
    value: "FOLDER",
    help: "The folder that holds the data set's folder",
    read: readText,
  },
  randomcrop_pad: {
    group: DATA,
    value: "N",
    help: "Pixels of reflected padding before the random crop",
    read: readWhole,
  },
  no_augment: toggle(DATA, "Train on the images as they are"),
  no_shuffle: toggle(DATA, "Take the records in file order, in full batches"),
  train_images: {
    group: DATA,
    value: "N",
    help: "Use the first N training images (default: all; of shapes 1000)",
    read: readWhole,
  },
  batch_size: { group: TRAINING, value: "N", help: "Images a step", read: readWhole },
  epochs: { group: TRAINING, value: "N", help: "Passes over the training set", read: readWhole },
  max_steps: {
    group: TRAINING,
    value: "N",
    help: "End after N steps, counted from step 0 (default: no bound)",
    read: readWhole,
  },
  lr: {
    group: TRAINING,
    value: "RATE",
    help: "Learning rate of the first epoch",
    read: readNumber,
  },
  epoch_step: {
    group: TRAINING,
    value: "LIST",
    help: "Epochs at whose start the learning rate drops",
    read: readList,
  },
  lr_decay_ratio: {
    group: TRAINING,
    value: "RATIO",
    help: "Factor on the learning rate at each drop",
    read: readNumber,
  },
  weight_decay: {
    group: TRAINING,
    value: "W",
    help: "Weight decay, on every parameter",
    read: readNumber,
  },
  nesterov: toggle(TRAINING, "Nesterov momentum in place of plain momentum"),
  seed: {
    group: TRAINING,
    value: "N",
    help: "Seed of initialisation, order and augmentation",
    read: readWhole,
  },
  teacher_id: {
    group: TRANSFER,
    value: "RUN|FILE",
    help: "The teacher: a run under --logs, a folder, or a weights file; --teacher_id is the same",
    aliases: ["teacher"],
    read: readText,
  },
  beta: {
    group: TRANSFER,
    value: "BETA",
    help: "Weight of the attention-transfer loss",
    read: readNumber,
  },
  alpha: {
    group: TRANSFER,
    value: "ALPHA",
    help: "Weight of the distillation loss, 0 to 1",
    read: readNumber,
  },
  temperature: {
    group: TRANSFER,
    value: "T",
    help: "Temperature of the distillation loss",
    read: readNumber,
  },
  save: {
    group: RUN,
    value: "PATH|NAME",
    help: "The run's new folder: a path, or a bare name under --logs " +
      "(default: named after the settings, such as at_16_1_from_resnet_16_2_teacher)",
    read: readText,
  },
  logs: { group: RUN, value: "FOLDER", help: "The folder of runs", read: readText },
  log_every: {
    group: RUN,
    value: "N",
    help: "Steps between two lines of steps.jsonl",
    read: readWhole,
  },
  resume: {
    group: RUN,
    value: "RUN",
    help: "Go on with a run, a name under --logs or a folder; beside it only " +
      "--epochs, --max_steps and --log_every may be given anew",
    read: readText,
  },
  evaluate: {
    group: RUN,
    value: "RUN|FILE",
    help: "Test a run or a weights file; beside it --dataset, --dataroot, " +
      "--batch_size and --train_images count",
    read: readText,
  },
  profile: toggle(
    RUN,
    "Make a few steps as a run with the same flags would, print where the time and the memory " +
      "of one go, and end; no run's folder is made",
  ),
  dtype: {
    group: MACHINE,
    value: "TYPE",
    help: "Type of activations: float, or half on a GPU with shader-f16",
    read: readOneOf(DTYPES),
  },
  autotune: {
    group: MACHINE,
    value: "HOW",
    help: "Choose kernels by trying them out once for this adapter: off, quick or full " +
      "(default: quick on a GPU, off on a software adapter); a resumed run keeps its own",
    read: readOneOf(AUTOTUNE),
  },
  ngpu: { group: MACHINE, value: "N", help: "Number of GPUs; only 1 for now", read: readWhole },
  gpu_id: { group: MACHINE, value: "ID", help: "Which GPU; only 0 for now", read: readText },
  cuda: toggle(MACHINE, "Accepted for the original's sake; does nothing here"),
  nthread: {
    group: MACHINE,
    value: "N",
    help: "Accepted for the original's sake; does nothing here",
    read: readWhole,
  },
};

/** How the help of `deno task cifar` reads. */
export const CIFAR_TEXT: CommandText = {
  name: "deno task cifar",
  about: "Trains a wide ResNet on CIFAR, alone or from a teacher by attention transfer (--beta) " +
    "and distillation (--alpha). Flags may be spelled with underscores or dashes.",
  closing: `Examples:
  Train a teacher, then a student from it by attention transfer:
    deno task cifar --width 2 --save resnet_16_2_teacher
    deno task cifar --teacher resnet_16_2_teacher --beta 1000
  The same on the built-in set, which needs no download:
    deno task cifar --dataset shapes --epochs 5 --epoch_step [3,5] --save shapes_student`,
};
