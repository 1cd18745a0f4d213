import { OutOfMemoryError, OutOfRoomError } from "../gpu/errors.ts";

/**
 * The part of the memory that a program of a batch may take: the last batch of an epoch has one of its own and may be
 * almost as large, and the tests take up to half as much as each.
 */
const SHARE = 0.35;

/**
 * Says which batch would do where one is too large for the adapter or its memory.
 *
 * @param error What went wrong.
 * @param options.action What was to be done, such as "train WRN-16-1".
 * @param options.batch The images of the batch.
 * @returns The error with the size of a batch; any other error as it is.
 */
export function withSmallerBatch(
  error: unknown,
  { action, batch }: { readonly action: string; readonly batch: number },
): unknown {
  const isTooLarge = error instanceof OutOfRoomError;
  if (!isTooLarge && !(error instanceof OutOfMemoryError)) return error;
  const fits = batch * error.limit / error.bytes;
  const wanted = isTooLarge
    ? `at most ${Math.floor(fits)} on this adapter`
    : `fewer, such as ${Math.floor(SHARE * fits)}, for this GPU's memory`;
  return new RangeError(
    `Cannot ${action} with batches of ${batch}: wanted ${wanted} (${error.message})`,
    { cause: error },
  );
}
