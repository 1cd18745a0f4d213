import { Draws } from "../../lib/random.ts";

/**
 * Draws an order in which runs of neighbours stay together, so that a disk reads each run in one go: where the runs
 * begin, the order of the runs and the order within each are drawn anew each epoch.
 *
 * @param epoch The epoch, from 1.
 * @param options.count How many there are to put in order.
 * @param options.run The length of a run; the first and the last may be shorter.
 * @param options.seed The seed.
 * @returns The numbers from 0 to `count - 1`, each once.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const order = orderInRuns(1, { count: 10, run: 4, seed: 0 });
 * assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
 * ```
 */
export function orderInRuns(
  epoch: number,
  { count, run, seed }: { count: number; run: number; seed: number },
): Uint32Array<ArrayBuffer> {
  const draws = new Draws(seed, epoch, run);
  const begin = draws.below(run) - run;
  const runs = Math.ceil((count - begin) / run);
  const order = new Uint32Array(count);
  let filled = 0;
  for (const number of draws.order(runs)) {
    const first = Math.max(0, begin + number * run);
    const length = Math.min(count, begin + (number + 1) * run) - first;
    if (length <= 0) continue;
    for (const at of draws.order(length)) order[filled++] = first + at;
  }
  return order;
}
