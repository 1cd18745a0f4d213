import { Draws } from "../random.ts";

/** One batch of an epoch: where it starts in the epoch's order, and how many images it has. */
export interface Batch {
  /** The first place in the order. */
  readonly start: number;
  /** The number of images. */
  readonly size: number;
}

/** Which part of every batch is made here: one rank's of many. */
export interface Share {
  /** The rank, from 0. */
  readonly rank: number;
  /** The number of ranks. */
  readonly size: number;
}

/** How a set is cut into batches. */
export interface Batching {
  /** The images of the set. */
  readonly count: number;
  /** The images of a full batch. */
  readonly batchSize: number;
  /** Whether the order is drawn anew each epoch; without, batches are always full and run on across the end. */
  readonly shuffle: boolean;
  /** The part of each batch that counts, of which a short one may leave no image. Default: all of it. */
  readonly share?: Share | undefined;
}

/** The steps of an epoch. */
export function stepsPerEpoch({ count, batchSize }: Batching): number {
  return Math.ceil(count / batchSize);
}

/** The batch of a step, counted from the start of the run. */
export function batchAt(step: number, batching: Batching): Batch {
  const { count, batchSize, shuffle, share: { rank, size: ranks } = { rank: 0, size: 1 } } =
    batching;
  const start = shuffle ? step % stepsPerEpoch(batching) * batchSize : step * batchSize % count;
  const size = shuffle ? Math.min(batchSize, count - start) : batchSize;
  const [from = 0, to = size] = [rank, rank + 1].map((at) => Math.floor(size * at / ranks));
  return { start: (start + from) % count, size: to - from };
}

/** The same set and batches, all parts of them. */
export function withoutShare(batching: Batching): Batching {
  return { ...batching, share: undefined };
}

/** The batch sizes that occur, the most frequent first. */
export function batchSizes(batching: Batching): number[] {
  const last = batchAt(stepsPerEpoch(batching) - 1, batching);
  return [...new Set([batchAt(0, batching).size, last.size])];
}

/** The batches of a step that adds up the gradients of several. */
export interface Parts {
  /** The number of the first, counted from the start of the run. */
  readonly first: number;
  /** The number of images of each. */
  readonly sizes: readonly number[];
}

/** The steps of an epoch where each adds up the gradients of `accumulate` batches, the last perhaps of fewer. */
export function accumulatedSteps(batching: Batching, accumulate: number): number {
  return Math.ceil(stepsPerEpoch(batching) / accumulate);
}

/** The batches of a step, counted from the start of the run, that adds up the gradients of `accumulate` batches. */
export function partsOf(step: number, batching: Batching, accumulate: number): Parts {
  const batches = stepsPerEpoch(batching);
  const steps = accumulatedSteps(batching, accumulate);
  const at = step % steps * accumulate;
  const first = batching.shuffle ? Math.floor(step / steps) * batches + at : step * accumulate;
  const length = batching.shuffle ? Math.min(accumulate, batches - at) : accumulate;
  const sizes = Array.from({ length }, (_, part) => batchAt(first + part, batching).size);
  return { first, sizes };
}

/** The order of the images in an epoch: a function of seed and epoch alone. */
export function orderOf(
  epoch: number,
  { count, shuffle, seed }: { count: number; shuffle: boolean; seed: number },
): Uint32Array<ArrayBuffer> {
  return shuffle
    ? new Draws(seed, epoch).order(count)
    : Uint32Array.from({ length: count }, (_, at) => at);
}
