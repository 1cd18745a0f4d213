/** How the learning rate may grow with the number of ranks: not at all, or by their number. */
export const RATE_SCALES = ["none", "linear"] as const;

/** See {@link RATE_SCALES}. */
export type RateScale = typeof RATE_SCALES[number];

/** The epochs over which the rate grows. */
const EPOCHS = 5;

/**
 * The factor on the learning rate where batches grow with the number of ranks
 * ({@link https://arxiv.org/abs/1706.02677 | Goyal et al. 2017}): that number, after a linear warm-up from 1 over five
 * epochs.
 *
 * @param step The step, from 0.
 * @param options.stepsPerEpoch The steps of an epoch.
 * @param options.ranks The number of ranks.
 */
export function warmUp(
  step: number,
  { stepsPerEpoch, ranks, scale }: { stepsPerEpoch: number; ranks: number; scale: RateScale },
): number {
  if (scale === "none") return 1;
  return 1 + (ranks - 1) * Math.min(1, step / (EPOCHS * stepsPerEpoch));
}
