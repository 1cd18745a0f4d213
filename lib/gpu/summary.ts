/** What many measurements of one thing come to. */
export interface Summary {
  /** The middle one, or the mean of the middle two. */
  readonly median: number;
  /** The first quartile. */
  readonly low: number;
  /** The third quartile. */
  readonly high: number;
  /** How many there were. */
  readonly n: number;
}

/** The value below which a fraction of the sorted values lies, straight lines between neighbours. */
function quantile(sorted: readonly number[], fraction: number): number {
  const place = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(place)] ?? NaN;
  const above = sorted[Math.ceil(place)] ?? NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * Sums measurements up.
 *
 * @param values The measurements, in any order.
 * @returns Median, quartiles and count; NaN where there are no measurements.
 * @example
 * ```ts
 * import { summarise } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(summarise([4, 1, 3, 2, 5]), { median: 3, low: 2, high: 4, n: 5 });
 * ```
 */
export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    n: sorted.length,
  };
}
