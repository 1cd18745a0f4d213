import { AUTOTUNE, type Autotune } from "../../lib/train/autotune.ts";
import { DISTANCES } from "../../lib/losses/distance.ts";
import { TRANSFER_FORMS } from "../../lib/losses/transfer_form.ts";
import { NORMS } from "../../lib/ops/normalise.ts";
import { ON_NONFINITE } from "../../lib/train/non_finite.ts";
import { RATE_SCALES } from "../../lib/train/warm_up.ts";
import { RESIZES } from "../../lib/ops/resize_map.ts";
import { GRAD_BN } from "../../lib/train/settings/transfer_settings.ts";
import { DTYPES, type RunSettings } from "../../lib/train/settings/run_settings.ts";
import {
  type Flag,
  type Flags,
  readList,
  readNumber,
  readOneOf,
  readShortList,
  readText,
  readWhole,
  toggle,
} from "../command_line/flags.ts";
import { readPath, readPathOrName, readRun } from "../command_line/paths.ts";

/** The headings of a help page, in its order. */
export const MODEL = "Model:";
/** See {@link MODEL}. */
export const DATA = "Data:";
/** See {@link MODEL}. */
export const TRAINING = "Training:";
/** See {@link MODEL}. */
export const TRANSFER = "Transfer:";
/** See {@link MODEL}. */
export const RUN = "Run:";
/** See {@link MODEL}. */
export const MACHINE = "Machine:";
/** See {@link MODEL}. */
const RANKS = "Many GPUs:";

/** What the flags of a training set beside its settings: nothing of the run's own. */
export interface OutsideFlags {
  /** A run or a weights file to test. */
  evaluate: string;
  /** Whether a step is profiled in place of a training. */
  profile: boolean;
  /** How kernels are chosen. */
  autotune: Autotune;
  /** Whether there may be more ranks than cores. */
  oversubscribe: boolean;
  /** Whether ranks may share a GPU. */
  share_gpu: boolean;
  /** Whether a software adapter will do on a machine with a card. */
  allow_software: boolean;
}

/** The flags that every training has, without those whose help differs. */
export const RUN_FLAGS: Flags<Omit<RunSettings, "save" | "resume">> = {
  init: {
    group: MODEL,
    value: "FILE",
    help: "Start from these weights instead of fresh ones",
    read: readPath,
  },
  take: {
    group: MODEL,
    value: "NAME",
    help:
      "The part of the weights files (--init, --teacher, --evaluate) that is taken in place of the " +
      "network: an entry of a checkpoint, such as model_ema, or the first part of the tensors' names, " +
      "such as teacher; the weights of a run are read whole",
    read: readText,
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
  seed: {
    group: TRAINING,
    value: "N",
    help: "Seed of initialisation, order and augmentation",
    read: readWhole,
  },
  beta: {
    group: TRANSFER,
    value: "BETA",
    help: "Weight of the attention-transfer loss",
    read: readNumber,
  },
  taps: {
    group: TRANSFER,
    value: "LIST",
    help: "The groups that are compared, from 0, such as 2,3 (default: all)",
    read: readShortList,
  },
  beta_decay: {
    group: TRANSFER,
    value: "HOW",
    help: "How beta falls over the epochs: none, linear, cosine, exp or exp:rate (exp is exp:5)",
    read: readText,
  },
  beta_from_epoch: {
    group: TRANSFER,
    value: "N",
    help: "The first epoch, from 1, whose loss counts the attention",
    read: readWhole,
  },
  map: {
    group: TRANSFER,
    value: "MAP",
    help: "The activation map of magnitudes: sum, max, sum^p or max^p with p of at least 1",
    read: readText,
  },
  map_norm: {
    group: TRANSFER,
    value: "NORM",
    help: "The norm that maps are divided by: l2 or l1",
    read: readOneOf(NORMS),
  },
  map_resize: {
    group: TRANSFER,
    value: "HOW",
    help: "Maps of different size: pool averages the larger, bilinear interpolates the teacher's",
    read: readOneOf(RESIZES),
  },
  at_form: {
    group: TRANSFER,
    value: "FORM",
    help: "What beta weighs: code is the mean of squares (beta is about 1000), paper half the " +
      "norm of a sample (beta is about 0.1)",
    read: readOneOf(TRANSFER_FORMS),
  },
  fact_beta: {
    group: TRANSFER,
    value: "BETA",
    help: "Weight of the loss between full activations, F-ActT; --beta_decay goes for it too",
    read: readNumber,
  },
  grad_beta: {
    group: TRANSFER,
    value: "BETA",
    help: "Weight of gradient-based attention transfer: half of it times the distance",
    read: readNumber,
  },
  min_l2_beta: {
    group: TRANSFER,
    value: "BETA",
    help: "Weight of the norm of the student's own gradient of the images",
    read: readNumber,
  },
  symmetry_beta: {
    group: TRANSFER,
    value: "BETA",
    help: "Weight of the symmetry norm: gradients and logits under a horizontal flip",
    read: readNumber,
  },
  grad_distance: {
    group: TRANSFER,
    value: "WHICH",
    help: "How the norm of the gradients of a batch is read: batch, sample (a mean) or square",
    read: readOneOf(DISTANCES),
  },
  grad_bn: {
    group: TRANSFER,
    value: "WHICH",
    help: "What normalises in both networks where gradients of images are taken: train is the " +
      "batch, eval the running statistics, which then stay as --init brought them",
    read: readOneOf(GRAD_BN),
  },
  alpha: {
    group: TRANSFER,
    value: "ALPHA",
    help: "Weight of the distillation loss, 0 to 1",
    read: readNumber,
  },
  alpha_decay: {
    group: TRANSFER,
    value: "HOW",
    help: "How alpha falls over the epochs, like --beta_decay",
    read: readText,
  },
  temperature: {
    group: TRANSFER,
    value: "T",
    help: "Temperature of the distillation loss",
    read: readNumber,
  },
  on_nonfinite: {
    group: TRAINING,
    value: "HOW",
    help: "A step with NaN or infinity in its loss or gradients: stop ends the run there, skip " +
      "leaves the step out",
    read: readOneOf(ON_NONFINITE),
  },
  logs: { group: RUN, value: "FOLDER", help: "The folder of runs", read: readPath },
  log_every: {
    group: RUN,
    value: "N",
    help: "Steps between two lines of steps.jsonl",
    read: readWhole,
  },
  dtype: {
    group: MACHINE,
    value: "TYPE",
    help: "Type of activations: float, or half on a GPU with shader-f16",
    read: readOneOf(DTYPES),
  },
  ngpu: {
    group: RANKS,
    value: "N",
    help: "Number of GPUs, which share each batch: starts as many ranks with mpirun",
    read: readWhole,
  },
  gpu_id: {
    group: RANKS,
    value: "IDS",
    help: "Which GPUs, such as 0,1 (default: the first ones); deno task doctor --ngpu N lists them",
    read: readText,
  },
  sync_bn: toggle(
    RANKS,
    "Batch normalisation has the statistics of all ranks, at the price of two waits a layer",
  ),
  allreduce_dtype: {
    group: RANKS,
    value: "TYPE",
    help:
      "What gradients are rounded to on their way to other ranks: float, as they are, or half, " +
      "whose errors are added to the next step's",
    read: readOneOf(DTYPES),
  },
  lr_scale: {
    group: RANKS,
    value: "HOW",
    help: "none, or linear: --lr times the number of ranks, after a warm-up of five epochs",
    read: readOneOf(RATE_SCALES),
  },
  mpi_timeout: {
    group: RANKS,
    value: "S",
    help: "Seconds that an exchange between ranks may take",
    read: readNumber,
  },
  mpi_library: {
    group: RANKS,
    value: "FILE",
    help: "MPI's library (default: looked for in the usual folders)",
    read: readPath,
  },
  cuda: toggle(MACHINE, "Accepted for the original's sake; does nothing here"),
};

/** The flags of what is none of a run's settings, without those whose help differs. */
export const OUTSIDE_FLAGS: Flags<Omit<OutsideFlags, "evaluate">> = {
  profile: toggle(
    RUN,
    "Make a few steps as a run with the same flags would, print where the time and the memory " +
      "of one go, and end; no run's folder is made",
  ),
  autotune: {
    group: MACHINE,
    value: "HOW",
    help: "Choose kernels by trying them out once for this adapter: off, quick or full " +
      "(default: off, the fixed table); a resumed run keeps its own",
    read: readOneOf(AUTOTUNE),
  },
  oversubscribe: toggle(RANKS, "Allow more ranks than this machine has cores"),
  share_gpu: toggle(RANKS, "Allow more ranks than this machine has GPUs"),
  allow_software: toggle(
    MACHINE,
    "Compute on the CPU even where this machine has a GPU that does not answer",
  ),
};

/** The flag that says where a run's folder goes. */
export function saveFlag(example: string): Flag<string> {
  return {
    group: RUN,
    value: "PATH|NAME",
    help: "The run's new folder: a path, or a bare name under --logs " +
      `(default: named after the settings, such as ${example})`,
    read: readPathOrName,
  };
}

/** The flag that goes on with a run. */
export function resumeFlag(beside: string): Flag<string> {
  return {
    group: RUN,
    value: "RUN",
    help:
      `Go on with a run, a name under --logs or a folder; beside it only ${beside} may be given anew, ` +
      "and which GPUs train",
    read: readRun,
  };
}
