import { above, oneOf, orNull, type Rules, whole, within } from "./rules.ts";
import { ON_NONFINITE } from "../non_finite.ts";
import { RATE_SCALES } from "../warm_up.ts";
import { DTYPES, type RunSettings } from "./run_settings.ts";
import { TRANSFER_RULES } from "./transfer_rules.ts";

/** The rules of the settings that say which GPUs train. */
export const GPU_RULES: Rules<Pick<RunSettings, "ngpu" | "gpu_id">> = {
  ngpu: whole(1),
  gpu_id: {
    wanted: "the numbers of GPUs, such as 0 or 0,1",
    holds: (ids) => /^\d+(,\d+)*$/.test(ids),
    nearest: () => undefined,
  },
};

/** The rules of the settings that every run has. */
export const RUN_RULES: Rules<RunSettings> = {
  ...TRANSFER_RULES,
  dtype: oneOf(DTYPES),
  batch_size: whole(1),
  lr: above(0),
  epochs: whole(1),
  weight_decay: within(0, Infinity),
  epoch_step: {
    wanted: "a list of epochs, whole numbers of at least 1",
    holds: (epochs) => epochs.every((epoch) => Number.isSafeInteger(epoch) && epoch >= 1),
    nearest: (epochs) => JSON.stringify(epochs.map((epoch) => Math.max(1, Math.round(epoch)))),
  },
  lr_decay_ratio: above(0),
  ...GPU_RULES,
  allreduce_dtype: oneOf(DTYPES),
  lr_scale: oneOf(RATE_SCALES),
  mpi_timeout: above(0),
  seed: whole(0, 0xffffffff),
  max_steps: orNull(whole(1)),
  on_nonfinite: oneOf(ON_NONFINITE),
  log_every: whole(1),
  logs: {
    wanted: "a folder",
    holds: (logs) => logs !== "",
    nearest: () => "logs",
  },
};

/**
 * Checks that a part of a weights file is taken only where the settings may name one.
 *
 * @param options.teacher What names the teacher; empty for none.
 * @throws {RangeError} If nothing is read that it could be taken of.
 */
export function checkTake(
  { take, init }: Pick<RunSettings, "take" | "init">,
  { teacher }: { teacher: string },
): void {
  if (take === "" || init !== "" || teacher !== "") return;
  throw new RangeError(
    `Cannot train: --take ${take} needs a weights file of --init or --teacher, found neither`,
  );
}
