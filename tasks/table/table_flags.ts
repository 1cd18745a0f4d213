import type { Autotune } from "../../lib/train/autotune.ts";
import { type DatasetName, DATASETS } from "../../lib/train/settings/cifar_settings.ts";
import { type Flags, readNames, readOneOf, readWhole, toggle } from "../command_line/flags.ts";
import type { CommandText } from "../command_line/options.ts";
import { readPath, readRun } from "../command_line/paths.ts";
import { DATA, MACHINE, OUTSIDE_FLAGS, RUN, RUN_FLAGS, TRAINING } from "../training/run_flags.ts";

/** The flags that rows may name in place of a value, since it is a file or a folder of the user's. */
export const GIVEN = ["imagenetpath", "cub", "scenes", "student_params", "teacher_params"] as const;

/** The name of such a flag. */
export type GivenName = typeof GIVEN[number];

/** Whether a word is the name of such a flag. */
export function isGivenName(word: string): word is GivenName {
  return GIVEN.some((name) => name === word);
}

/** What the flags of `deno task table` set. */
export interface TableFlags extends Record<GivenName, string> {
  /** The rows that are trained. */
  rows: string[];
  /** The number of seeds, from 0 on. */
  seeds: number;
  /** Passes over the training set in place of the row's. */
  epochs: number;
  /** The data set in place of the row's. */
  dataset: DatasetName;
  /** How many training images are used. */
  train_images: number;
  /** The folder that holds the folder of a CIFAR set. */
  dataroot: string;
  /** Workers that decode images. */
  nthread: number;
  /** The folder of runs. */
  logs: string;
  /** Whether the runs are listed only. */
  dry_run: boolean;
  /** Whether the list is without hours. */
  no_timing: boolean;
  /** How kernels are chosen. */
  autotune: Autotune;
  /** Number of GPUs. */
  ngpu: number;
  /** Which GPUs. */
  gpu_id: string;
  /** Whether there may be more ranks than cores. */
  oversubscribe: boolean;
  /** Whether ranks may share a GPU. */
  share_gpu: boolean;
  /** Whether a software adapter will do on a machine with a card. */
  allow_software: boolean;
}

/** The tables by the names that the command takes; the numbers are the paper's. */
export const TABLE_NAMES = ["1", "2", "3", "4", "5", "cifar100"] as const;

/** Where things are, and how many workers there are, by default. */
export const TABLE_DEFAULTS = { dataroot: ".", logs: "logs", nthread: 4 } as const;

const ROWS = "Rows:";

/** The flags of `deno task table`. */
export const TABLE_FLAGS: Flags<TableFlags> = {
  rows: {
    group: ROWS,
    value: "LIST",
    help: "The rows to train, such as none,sum (default: all); --dry_run lists them",
    read: readNames,
  },
  seeds: {
    group: ROWS,
    value: "N",
    help: "Train each row with the seeds 0 to N-1 (default: as many as were published)",
    read: readWhole,
  },
  epochs: {
    group: TRAINING,
    value: "N",
    help: "Passes over the training set in place of the table's; drops of the learning rate move " +
      "in proportion",
    read: readWhole,
  },
  dataset: {
    group: DATA,
    value: "NAME",
    help: `Rehearse a CIFAR table on another set: ${DATASETS.join(", ")}`,
    read: readOneOf(DATASETS),
  },
  train_images: {
    group: DATA,
    value: "N",
    help: "Rehearse a CIFAR table with the first N training images",
    read: readWhole,
  },
  dataroot: {
    group: DATA,
    value: "FOLDER",
    help: "The folder that holds the CIFAR set's folder",
    read: readPath,
  },
  imagenetpath: {
    group: DATA,
    value: "FOLDER",
    help: "The folder of images with train and val, or a pack, for table 5",
    read: readPath,
  },
  cub: { group: DATA, value: "FOLDER", help: "CUB-200-2011, for table 4", read: readPath },
  scenes: { group: DATA, value: "FOLDER", help: "MIT Indoor 67, for table 4", read: readPath },
  student_params: {
    group: DATA,
    value: "RUN|FILE",
    help: "A ResNet-18 trained on ImageNet, for table 4",
    read: readRun,
  },
  teacher_params: {
    group: DATA,
    value: "RUN|FILE",
    help: "A ResNet-34 trained on ImageNet, for tables 4 and 5",
    read: readRun,
  },
  dry_run: toggle(
    RUN,
    "List the runs, the published numbers, FLOP and the hours that this adapter would take, and end; " +
      "needs no data and no weights",
  ),
  no_timing: toggle(RUN, "Beside --dry_run: give the counts alone, and no hours"),
  logs: { group: RUN, value: "FOLDER", help: "The folder of runs and results", read: readPath },
  autotune: OUTSIDE_FLAGS.autotune,
  nthread: { group: MACHINE, value: "N", help: "Workers that decode images", read: readWhole },
  ngpu: RUN_FLAGS.ngpu,
  gpu_id: RUN_FLAGS.gpu_id,
  oversubscribe: OUTSIDE_FLAGS.oversubscribe,
  share_gpu: OUTSIDE_FLAGS.share_gpu,
  allow_software: OUTSIDE_FLAGS.allow_software,
};

/** How the help of `deno task table` reads. */
export const TABLE_TEXT: CommandText = {
  name: "deno task table",
  operands: ["TABLE"],
  about:
    "Trains the rows of a table of the paper, teachers first, and sets our numbers beside the " +
    `published ones. TABLE is ${
      TABLE_NAMES.join(", ")
    }; cifar100 is RepDistiller's pair. Runs are ` +
    "those of the other tasks, under --logs; finished ones are kept, one that was broken off goes on.",
  closing: `Examples:
  What would it take, in hours too, or in FLOP alone?
    deno task table 2 --dry_run
    deno task table 2 --dry_run --no_timing
  The whole table, five seeds a row:
    deno task table 2
  Two of its rows:
    deno task table 2 --rows none,sum --seeds 3
  A rehearsal on the built-in set, whose numbers are not the paper's:
    deno task table 2 --dataset shapes --train_images 300 --epochs 2 --seeds 2`,
};
