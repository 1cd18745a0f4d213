import { type EpochResult, MARK } from "./log.ts";
import type { RunKind } from "./run_kind.ts";
import { realTypeOf } from "./settings/run_settings.ts";
import type { CifarSettings } from "./settings/cifar_settings.ts";
import { transferObjective } from "./transfer_objective.ts";

/** Runs of `deno task cifar`. */
export const CIFAR_KIND: RunKind<CifarSettings> = {
  stepOptions: (settings, networks) => ({
    ...transferObjective(settings, networks),
    batchSize: settings.batch_size,
    weightDecay: settings.weight_decay,
    nesterov: settings.nesterov,
    augment: settings.no_augment
      ? { padding: 0, flips: false }
      : { padding: settings.randomcrop_pad, flips: true },
    shuffle: !settings.no_shuffle,
    seed: settings.seed,
    dtype: realTypeOf(settings),
    onNonfinite: settings.on_nonfinite,
  }),
  epochLine: cifarEpochLine,
};

/**
 * Words an epoch's line of `log.txt`: the original's keys in the original's order, then
 * `term_losses`, `test_loss_total`, and in half precision the loss scale. It is always valid JSON; a number that is not
 * finite becomes null.
 *
 * @param settings The run's settings.
 * @param result The epoch's results.
 * @returns The line, without its end.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { CIFAR_DEFAULTS } from "./settings/cifar_settings.ts";
 *
 * const line = cifarEpochLine(CIFAR_DEFAULTS, {
 *   train_loss: 1.7, train_acc: 37, test_loss: 1.6, test_loss_total: 1.6, test_acc: 42,
 *   epoch: 1, num_classes: 10, n_parameters: 175994, train_time: 10, test_time: 2, at_losses: [],
 * });
 * assert.ok(line.startsWith('json_stats: {"depth":16,"width":1,'));
 * ```
 */
export function cifarEpochLine(settings: Readonly<CifarSettings>, result: EpochResult): string {
  return MARK + JSON.stringify({
    depth: settings.depth,
    width: settings.width,
    dataset: settings.dataset,
    dataroot: settings.dataroot,
    dtype: settings.dtype,
    nthread: settings.nthread,
    teacher_id: settings.teacher_id,
    batch_size: settings.batch_size,
    lr: settings.lr,
    epochs: settings.epochs,
    weight_decay: settings.weight_decay,
    epoch_step: JSON.stringify(settings.epoch_step),
    lr_decay_ratio: settings.lr_decay_ratio,
    resume: settings.resume,
    randomcrop_pad: settings.randomcrop_pad,
    temperature: settings.temperature,
    alpha: settings.alpha,
    beta: settings.beta,
    cuda: settings.cuda,
    save: settings.save,
    ngpu: settings.ngpu,
    gpu_id: settings.gpu_id,
    train_loss: result.train_loss,
    train_acc: result.train_acc,
    test_loss: result.test_loss,
    test_acc: result.test_acc,
    epoch: result.epoch,
    num_classes: result.num_classes,
    n_parameters: result.n_parameters,
    train_time: result.train_time,
    test_time: result.test_time,
    at_losses: result.at_losses,
    model: settings.model,
    term_losses: result.term_losses,
    test_loss_total: result.test_loss_total,
    loss_scale: result.loss_scale,
    skipped_steps: result.skipped_steps,
  });
}
