import type { World } from "../mpi/world.ts";

/** The rows of a batch: one from every rank that has a part of it. */
export interface RankRows {
  /** The images of each part, in the order of ranks. */
  readonly sizes: readonly number[];
  /** The row of each part. */
  readonly rows: readonly (readonly number[])[];
}

/**
 * Gives every rank the rows of all. Those of batches without images do not count.
 *
 * @param mine This rank's rows, as many and as long on all ranks, with the images of each.
 * @returns The rows of each batch, in the order of `mine`.
 */
export async function gatherRows(
  mine: readonly { readonly size: number; readonly row: readonly number[] }[],
  world: World,
): Promise<RankRows[]> {
  const width = 1 + Math.max(0, ...mine.map(({ row }) => row.length));
  const sent = new Float32Array(mine.length * width);
  mine.forEach(({ size, row }, at) => sent.set([size, ...row], at * width));
  const all = new Float32Array(world.size * sent.length);
  await world.gather(sent, all);
  const ranks = Array.from({ length: world.size }, (_, rank) => rank * sent.length);
  return mine.map((_, at) => {
    const found = ranks
      .map((first) => [...all.subarray(first + at * width, first + (at + 1) * width)])
      .filter(([size = 0]) => size > 0);
    return { sizes: found.map(([size = 0]) => size), rows: found.map(([, ...row]) => row) };
  });
}

/** What the batches of a step left behind. */
export interface StepRows {
  /** The images of each. */
  readonly sizes: readonly number[];
  /** The row of each. */
  readonly rows: readonly (readonly number[])[];
  /** How the step ended, where that is a row of its own. */
  readonly end: readonly number[] | undefined;
}

/** Puts the batches of all ranks into each step. */
export async function ofAllRanks(steps: readonly StepRows[], world: World): Promise<StepRows[]> {
  const mine = steps.flatMap(({ sizes, rows }) =>
    rows.map((row, at) => ({ row, size: sizes[at] ?? 0 }))
  );
  const all = await gatherRows(mine, world);
  return steps.map((step) => {
    const batches = all.splice(0, step.rows.length);
    return {
      ...step,
      sizes: batches.flatMap(({ sizes }) => sizes),
      rows: batches.flatMap(({ rows }) => rows),
    };
  });
}
