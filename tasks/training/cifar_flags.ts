import { type CifarSettings, DATASETS, MODELS } from "../../lib/train/settings/cifar_settings.ts";
import { type Flags, readNumber, readOneOf, readWhole, toggle } from "../command_line/flags.ts";
import type { CommandText } from "../command_line/options.ts";
import { readPath, readRun } from "../command_line/paths.ts";
import {
  DATA,
  MACHINE,
  MODEL,
  OUTSIDE_FLAGS,
  type OutsideFlags,
  resumeFlag,
  RUN,
  RUN_FLAGS,
  saveFlag,
  TRAINING,
  TRANSFER,
} from "./run_flags.ts";

/** What the flags of `deno task cifar` set: every setting, and what is none of the run's. */
export type CifarFlags = CifarSettings & OutsideFlags;

/** The flags of `deno task cifar`. */
export const CIFAR_FLAGS: Flags<CifarFlags> = {
  model: {
    group: MODEL,
    value: "NAME",
    help: "wrn, a wide ResNet; nin-wide or nin-thin, a Network-in-Network of 1.0 or 0.2 M " +
      "parameters",
    read: readOneOf(MODELS),
  },
  no_bn: toggle(MODEL, "A Network-in-Network with biases in place of batch normalisation"),
  no_pool_relu: toggle(MODEL, "A Network-in-Network without a ReLU before each pooling"),
  depth: { group: MODEL, value: "N", help: "Layers of the wide ResNet, 6n+4", read: readWhole },
  width: {
    group: MODEL,
    value: "K",
    help: "Factor on the group widths 16, 32 and 64",
    read: readNumber,
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
    read: readPath,
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
  nesterov: toggle(TRAINING, "Nesterov momentum in place of plain momentum"),
  teacher_id: {
    group: TRANSFER,
    value: "RUN|FILE",
    help: "The teacher: a run under --logs, a folder, or a weights file; --teacher_id is the same",
    aliases: ["teacher"],
    read: readRun,
  },
  ...RUN_FLAGS,
  save: saveFlag("at_16_1_from_resnet_16_2_teacher"),
  resume: resumeFlag("--epochs, --max_steps, --log_every and --on_nonfinite"),
  ...OUTSIDE_FLAGS,
  evaluate: {
    group: RUN,
    value: "RUN|FILE",
    help: "Test a run or a weights file; beside it --dataset, --dataroot, " +
      "--batch_size, --train_images and --take count",
    read: readRun,
  },
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
  about:
    "Trains a wide ResNet or a Network-in-Network on CIFAR, alone or from a teacher by attention " +
    "transfer (--beta), distillation (--alpha) and the paper's other losses. Flags may be spelled with underscores or dashes.",
  closing: `Examples:
  Train a teacher, then a student from it by attention transfer:
    deno task cifar --width 2 --save resnet_16_2_teacher
    deno task cifar --teacher resnet_16_2_teacher --beta 1000
  The same on the built-in set, which needs no download:
    deno task cifar --dataset shapes --epochs 5 --epoch_step [3,5] --save shapes_student`,
};
