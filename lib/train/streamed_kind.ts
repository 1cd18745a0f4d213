import type { EpochResult } from "./log.ts";
import type { Networks } from "./run_kind.ts";
import { realTypeOf } from "./settings/run_settings.ts";
import type { StepOptions } from "./step_options.ts";
import type { StreamedSettings } from "./settings/streamed_settings.ts";
import { transferObjective } from "./transfer_objective.ts";

/**
 * What the settings of a run whose images are decoded as it goes say of its steps.
 *
 * @param settings The settings, checked.
 * @param networks Who takes part.
 * @throws {RangeError} If a network does not have a group that is compared.
 */
export function streamedStepOptions(
  settings: Readonly<StreamedSettings>,
  networks: Networks,
): StepOptions {
  return {
    ...transferObjective(settings, networks),
    batchSize: settings.batch_size,
    accumulate: settings.accumulate,
    topFive: true,
    weightDecay: settings.weight_decay,
    seed: settings.seed,
    dtype: realTypeOf(settings),
    onNonfinite: settings.on_nonfinite,
  };
}

/**
 * What `log.txt` says of an epoch's results where top-5 is counted: the keys of the original's imagenet.py in its
 * order, accuracies as lists of top-1 and top-5, then ours.
 */
export function topFiveResult(result: EpochResult): Record<string, unknown> {
  return {
    train_loss: result.train_loss,
    train_acc: [result.train_acc, result.train_top5],
    test_loss: result.test_loss,
    test_acc: [result.test_acc, result.test_top5],
    epoch: result.epoch,
    n_parameters: result.n_trainable,
    train_time: result.train_time,
    test_time: result.test_time,
    at_losses: result.at_losses,
    term_losses: result.term_losses,
    test_loss_total: result.test_loss_total,
    loss_scale: result.loss_scale,
    skipped_steps: result.skipped_steps,
  };
}
