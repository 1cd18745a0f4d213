/** The learning rate of an epoch. */
export interface EpochRate {
  /** The rate. */
  readonly rate: number;
  /** Whether it dropped at this epoch's start, where the original makes a new optimiser and so zeroes the momentum. */
  readonly dropped: boolean;
}

/**
 * The original's schedule: the learning rate is multiplied by a ratio at the start of each listed epoch.
 *
 * @param epoch The epoch, from 1.
 * @param options.rate The rate of the first epoch.
 * @param options.ratio The factor.
 * @param options.epochs The epochs at whose start it drops, from 1.
 * @example
 * ```ts
 * import { stepSchedule } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * const options = { rate: 1, ratio: 0.5, epochs: [3] };
 * assert.deepEqual(stepSchedule(2, options), { rate: 1, dropped: false });
 * assert.deepEqual(stepSchedule(3, options), { rate: 0.5, dropped: true });
 * ```
 */
export function stepSchedule(
  epoch: number,
  { rate, ratio, epochs }: { rate: number; ratio: number; epochs: readonly number[] },
): EpochRate {
  const drops = new Set(epochs.filter((drop) => drop <= epoch)).size;
  return {
    rate: Array.from({ length: drops }).reduce<number>((before) => before * ratio, rate),
    dropped: epochs.includes(epoch),
  };
}
