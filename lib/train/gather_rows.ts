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
