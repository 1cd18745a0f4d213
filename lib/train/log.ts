/**
 * What an epoch of a run came to; the names are the keys of `log.txt` or, with `top5` and `n_trainable`, in its lists.
 */
export interface EpochResult {
  /** Mean over the training batches of the whole loss. */
  train_loss: number;
  /** Top-1 training accuracy, in percent. */
  train_acc: number;
  /** Top-5 training accuracy, in percent, where it is counted. */
  train_top5?: number;
  /** Cross-entropy on the test set. */
  test_loss: number;
  /** Test loss with the transfer losses added, as the original reports it. */
  test_loss_total: number;
  /** Top-1 test accuracy, in percent. */
  test_acc: number;
  /** Top-5 test accuracy, in percent, where it is counted. */
  test_top5?: number;
  /** The epoch, counted from 1. */
  epoch: number;
  /** Classes of the data set. */
  num_classes: number;
  /** Parameters of the student, running statistics included. */
  n_parameters: number;
  /** Parameters of the student that are trained; running statistics are not. */
  n_trainable?: number;
  /** Seconds of training. */
  train_time: number;
  /** Seconds of evaluation. */
  test_time: number;
  /** Mean and standard deviation of each group's attention loss in training; none without a teacher. */
  at_losses: readonly (readonly [mean: number, std: number])[];
  /** Mean of each other term of the objective in training, unweighted, by its name. */
  term_losses?: Readonly<Record<string, number>>;
  /** In half precision: the factor on the loss at the epoch's last step. */
  loss_scale?: number;
  /** In half precision, or where steps may be left out: the epoch's steps that changed nothing. */
  skipped_steps?: number;
}

/** What `steps.jsonl` says of a step. */
export interface StepRecord {
  /** The step, counted from 0. */
  step: number;
  /** The epoch, counted from 1. */
  epoch: number;
  /** The loss before the step's update. */
  loss: number;
  /** Each group's attention loss, unweighted; none without a teacher. */
  at_losses: readonly number[];
  /** Each other term of the objective, unweighted, by its name. */
  term_losses?: Readonly<Record<string, number>>;
  /** The learning rate. */
  lr: number;
  /** Training speed since the line before. */
  images_per_s: number;
  /** In half precision: the factor on the loss. */
  loss_scale?: number;
  /** In half precision, or where steps may be left out: the steps since the line before that changed nothing. */
  skipped_steps?: number;
}

/** What an epoch's line begins with. */
export const MARK = "json_stats: ";

/**
 * Words a line of `steps.jsonl`; a number that is not finite becomes null.
 *
 * @param record The step's figures.
 * @returns The line, without its end.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const record = { step: 0, epoch: 1, loss: NaN, at_losses: [], lr: 0.1, images_per_s: 900 };
 * const line = '{"step":0,"epoch":1,"loss":null,"at_losses":[],"lr":0.1,"images_per_s":900}';
 * assert.equal(stepLine(record), line);
 * ```
 */
export function stepLine(record: StepRecord): string {
  return JSON.stringify({
    step: record.step,
    epoch: record.epoch,
    loss: record.loss,
    at_losses: record.at_losses,
    term_losses: record.term_losses,
    lr: record.lr,
    images_per_s: record.images_per_s,
    loss_scale: record.loss_scale,
    skipped_steps: record.skipped_steps,
  });
}

/**
 * Takes the mean and the unbiased standard deviation of an epoch's values.
 *
 * @param values The values, such as one attention loss a step.
 * @returns The mean (NaN of no values) and the standard deviation (0 of fewer than two values).
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(meanAndStd([1, 3]), [2, Math.SQRT2]);
 * ```
 */
export function meanAndStd(values: readonly number[]): [mean: number, std: number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return [mean, 0];
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return [mean, Math.sqrt(squares / (values.length - 1))];
}
