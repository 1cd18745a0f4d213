import {
  DEPTH34_BLOCKS,
  type ImageNetSettings,
} from "../../lib/train/settings/imagenet_settings.ts";
import { type Flags, readNumber, readOneOf, readWhole } from "../command_line/flags.ts";
import type { CommandText } from "../command_line/options.ts";
import { readPath, readRun } from "../command_line/paths.ts";
import {
  DATA,
  MODEL,
  OUTSIDE_FLAGS,
  type OutsideFlags,
  resumeFlag,
  RUN,
  RUN_FLAGS,
  saveFlag,
  TRANSFER,
} from "./run_flags.ts";
import { STREAMING_FLAGS } from "./streaming_flags.ts";

/** The flags of `deno task imagenet`. */
export const IMAGENET_FLAGS: Flags<ImageNetSettings & OutsideFlags> = {
  depth: { group: MODEL, value: "N", help: "Layers of the student, 18 or 34", read: readWhole },
  width: {
    group: MODEL,
    value: "K",
    help: "Factor on the group widths 64, 128, 256 and 512",
    read: readNumber,
  },
  depth34_blocks: {
    group: MODEL,
    value: "WHICH",
    help:
      "Blocks at depth 34: usual is 3,4,6,3; original is 3,4,6,5, as the original code has them",
    read: readOneOf(DEPTH34_BLOCKS),
  },
  imagenetpath: {
    group: DATA,
    value: "FOLDER",
    help: "A folder with train/<class>/<image> and val/<class>/<image>, or one of deno task pack",
    read: readPath,
  },
  teacher_params: {
    group: TRANSFER,
    value: "FILE|RUN",
    help:
      "The teacher: a weights file (hickle, PyTorch, safetensors, npz), a run under --logs or a " +
      "folder; --teacher_params is the same",
    aliases: ["teacher"],
    read: readRun,
  },
  teacher_random: {
    group: TRANSFER,
    value: "SEED",
    help:
      "A folded ResNet-34 of the student's width with random weights as the teacher, to try the path",
    read: readWhole,
  },
  ...STREAMING_FLAGS,
  ...RUN_FLAGS,
  save: saveFlag("at_imagenet_18_1_from_resnet-34-export"),
  resume: resumeFlag(
    "--epochs, --max_steps, --log_every, --on_nonfinite, --imagenetpath, --nthread and --on_bad",
  ),
  ...OUTSIDE_FLAGS,
  evaluate: {
    group: RUN,
    value: "RUN|FILE",
    help: "Validate a run or a weights file and print top-1 and top-5; beside it --imagenetpath, " +
      "--nthread, --batch_size, --image_size, --on_bad, --dtype and --take count",
    read: readRun,
  },
};

/** How the help of `deno task imagenet` reads. */
export const IMAGENET_TEXT: CommandText = {
  name: "deno task imagenet",
  about:
    "Trains a ResNet on ImageNet or any folder of images, alone or from a teacher by attention " +
    "transfer (--beta) and distillation (--alpha). Flags may be spelled with underscores or dashes.",
  closing: `Examples:
  The original's experiment, with the published teacher:
    deno task imagenet --imagenetpath ~/ILSVRC2012 --depth 18 --width 1 \\
      --teacher_params resnet-34-export.hkl --beta 1e+3
  The paper's: the last two groups, from epoch 60 on:
    deno task imagenet --imagenetpath ~/ILSVRC2012 --teacher_params resnet-34-export.hkl \\
      --beta 1e+3 --taps 2,3 --beta_from_epoch 60 --augment full
  Top-1 and top-5 of a file:
    deno task imagenet --imagenetpath ~/ILSVRC2012 --evaluate resnet18.pth`,
};
