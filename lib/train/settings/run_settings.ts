import type { RealType } from "../../gpu/dtype.ts";
import type { OnNonfinite } from "../non_finite.ts";
import type { RateScale } from "../warm_up.ts";
import type { TransferSettings } from "./transfer_settings.ts";

/** The types of activations and gradients by the names that `--dtype` takes. */
export const DTYPES = ["float", "half"] as const;

/** The name of a type. */
export type DtypeName = typeof DTYPES[number];

/** The settings that every run has; the names are those of the flags, of `config.json` and of `log.txt`. */
export interface RunSettings extends TransferSettings {
  /** The type of activations and gradients. */
  dtype: DtypeName;
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
  /** The original's CUDA switch; without effect here. */
  cuda: boolean;
  /** Where the run's folder goes; empty to name it after its settings. */
  save: string;
  /** Number of GPUs. */
  ngpu: number;
  /** Which GPUs, such as `0,1`. */
  gpu_id: string;
  /** Whether batch normalisation has the statistics of all ranks, not of each by itself. */
  sync_bn: boolean;
  /** What gradients are rounded to on their way to other ranks. */
  allreduce_dtype: DtypeName;
  /** How the learning rate grows with the number of ranks. */
  lr_scale: RateScale;
  /** The seconds that an exchange between ranks may take. */
  mpi_timeout: number;
  /** The full path of MPI's library; empty to look for it. */
  mpi_library: string;
  /** Seed of initialisation, order and augmentation. */
  seed: number;
  /** A weights file to start from; empty for a fresh initialisation. */
  init: string;
  /** The part that is taken of the weights files that the settings name; empty for the network, as it is found. */
  take: string;
  /** The step count, from step 0, after which the run ends; null for no bound. */
  max_steps: number | null;
  /** What happens at a step with a number that is not finite. */
  on_nonfinite: OnNonfinite;
  /** Steps between two lines of `steps.jsonl`. */
  log_every: number;
  /** The folder that holds the runs. */
  logs: string;
}

/** The settings that runs of earlier versions did not have, as these trained. */
export const LATER_RUN_SETTINGS = {
  on_nonfinite: "stop",
  take: "",
  sync_bn: false,
  allreduce_dtype: "float",
  lr_scale: "none",
  mpi_timeout: 60,
  mpi_library: "",
} as const;

/** What a run stores activations and gradients as. */
export function realTypeOf({ dtype }: Pick<RunSettings, "dtype">): RealType {
  return dtype === "half" ? "f16" : "f32";
}

/** Whether a run may go on after a step that changed nothing, and so counts such steps. */
export function skipsSteps(settings: Pick<RunSettings, "dtype" | "on_nonfinite">): boolean {
  return settings.dtype === "half" || settings.on_nonfinite === "skip";
}

/** How a run's name says which teacher it learns from: the last part of a path, without its extension. */
export function teacherName(teacher: string): string {
  const last = teacher.split(/[\\/]/).findLast((part) => /[^.]/.test(part)) ?? "teacher";
  return last.replace(/\.[a-z][a-z0-9]*$/i, "");
}
