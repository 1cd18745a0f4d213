import { CROPS, type FinetuneSettings } from "../../lib/train/settings/finetune_settings.ts";
import { type Flags, readOneOf, readShortList, readWhole, toggle } from "../command_line/flags.ts";
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

const { init: _init, taps: _taps, ...COMMON_FLAGS } = RUN_FLAGS;

/** The flags of `deno task finetune`. */
export const FINETUNE_FLAGS: Flags<FinetuneSettings & OutsideFlags> = {
  init: {
    group: MODEL,
    value: "FILE|RUN",
    help: "The pretrained student: a weights file (hickle, PyTorch, safetensors, npz), a run " +
      "under --logs or a folder; --init is the same",
    aliases: ["student"],
    read: readRun,
  },
  freeze: {
    group: MODEL,
    value: "N",
    help: "The first groups that stay as they are, and with them the stem; 0 for none",
    read: readWhole,
  },
  keep_head: toggle(
    MODEL,
    "Keep the last layer of the student's file, which must be for as many classes, in place of " +
      "a new one drawn from the seed",
  ),
  data: {
    group: DATA,
    value: "FOLDER",
    help: "CUB-200-2011, MIT Indoor 67, a folder with train/<class>/<image> and " +
      "val/<class>/<image>, or one of deno task pack",
    read: readPath,
  },
  crop: {
    group: DATA,
    value: "WHICH",
    help: "What training sees: a random square of the image whose shorter side is resized to 8/7 " +
      "of it, or a part of 8 to 100 % of the area resized",
    read: readOneOf(CROPS),
  },
  teacher: {
    group: TRANSFER,
    value: "FILE|RUN",
    help: "The teacher, as for --student. Attention is learned from any; distillation from one " +
      "for the same classes, such as a run of this task",
    read: readRun,
  },
  taps: {
    group: TRANSFER,
    value: "LIST",
    help: "The groups that are compared, from 0",
    read: readShortList,
  },
  ...STREAMING_FLAGS,
  ...COMMON_FLAGS,
  save: saveFlag("at_CUB_200_2011_resnet-18-export_from_resnet-34-export"),
  resume: resumeFlag(
    "--epochs, --max_steps, --log_every, --on_nonfinite, --data, --nthread and --on_bad",
  ),
  ...OUTSIDE_FLAGS,
  evaluate: {
    group: RUN,
    value: "RUN|FILE",
    help: "Validate a run or a weights file and print top-1 and top-5; beside it --data, " +
      "--nthread, --batch_size, --image_size, --on_bad, --dtype and --take count",
    read: readRun,
  },
};

/** How the help of `deno task finetune` reads. */
export const FINETUNE_TEXT: CommandText = {
  name: "deno task finetune",
  about:
    "Fine-tunes a pretrained network on CUB-200-2011, MIT Indoor 67 or any folder of images, " +
    "alone or from a teacher by attention transfer (--beta) and distillation (--alpha), as in the " +
    "paper's table 4. Batch normalisation stays as it is, where it has been folded into " +
    "convolutions too. Flags may be spelled with underscores or dashes.",
  closing: `The paper gives no learning rate, batch size, epochs, weight decay or beta for this; the
defaults are our choice, and a beta of 1e+3 is what it takes elsewhere.

Examples:
  The teacher, the student alone, and the student by attention transfer from the teacher:
    deno task finetune --data ~/CUB_200_2011 --student resnet-34-export.hkl --save cub_34
    deno task finetune --data ~/CUB_200_2011 --student resnet-18-export.hkl
    deno task finetune --data ~/CUB_200_2011 --student resnet-18-export.hkl \\
      --teacher cub_34 --beta 1e+3
  By distillation:
    deno task finetune --data ~/indoor67 --student resnet-18-export.hkl --teacher indoor_34 --alpha 0.9`,
};
