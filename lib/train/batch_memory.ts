import type { Gpu } from "../gpu/device.ts";
import { OutOfMemoryError, OutOfRoomError } from "../gpu/errors.ts";
import { planProgram, type Program } from "../gpu/program.ts";
import { readsTexels } from "../gpu/reads_texels.ts";

/**
 * The part of the memory that a program of a batch may take: the last batch of an epoch has one of its own and may be
 * almost as large, and the tests take up to half as much as each.
 */
const SHARE = 0.35;

/** A program of a batch for which there is no room, or no memory. */
export interface LargeBatch {
  /** What was to be done, such as "train WRN-16-1". */
  readonly action: string;
  /** The images of the batch. */
  readonly batch: number;
  /** Where it was to run. */
  readonly gpu: Gpu;
  /** Records the program of a batch. */
  readonly build: (batch: number) => null;
  /** The programs of other batches, which would be smaller too. */
  readonly others: Iterable<Program<null>>;
}

/**
 * Says which batch would do where one is too large for the adapter or its memory.
 *
 * @param error What went wrong.
 * @param large The batch.
 * @returns The error with the size of a batch; any other error as it is, and where it is not known what is left.
 */
export async function withSmallerBatch(error: unknown, large: LargeBatch): Promise<unknown> {
  const isTooLarge = error instanceof OutOfRoomError;
  const isTooMuch = error instanceof OutOfMemoryError && !Number.isNaN(error.limit);
  if (!isTooLarge && !isTooMuch) return error;
  const { action, batch } = large;
  const wanted = isTooLarge
    ? `at most ${Math.floor(batch * error.limit / error.bytes)} on this adapter`
    : await fewer(error.limit, large);
  return new RangeError(
    `Cannot ${action} with batches of ${batch}: wanted ${wanted} (${error.message})`,
    { cause: error },
  );
}

/** Names the largest batch whose program is small enough: it is planned, as not all of one grows with its batch. */
async function fewer(left: number, { batch, gpu, build, others }: LargeBatch): Promise<string> {
  const texels = await readsTexels(gpu);
  const bytesOf = (size: number) =>
    planProgram(gpu, { build: () => build(size), texels }).plan.peakBytes;
  const taken = [...others].reduce((sum, { plan }) => sum + plan.peakBytes, 0);
  const room = SHARE * (left + taken);
  let [fits, isTooMany] = [0, batch];
  while (isTooMany - fits > 1) {
    const size = Math.floor((fits + isTooMany) / 2);
    if (bytesOf(size) <= room) fits = size;
    else isTooMany = size;
  }
  return fits > 0
    ? `fewer, such as ${fits}, for this GPU's memory`
    : "a GPU with more memory, since not even one image fits";
}
