import { assertClose } from "./assert_close.ts";

/** The largest magnitude, 0 of nothing. */
export function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let at = 0; at < values.length; at++) most = Math.max(most, Math.abs(values[at] ?? NaN));
  return most;
}

/** Compares to a part of the largest value. */
export function assertLargest(
  found: ArrayLike<number>,
  wanted: ArrayLike<number>,
  { rtol, what }: { rtol: number; what: string },
): void {
  assertClose(found, wanted, { atol: rtol * largest(wanted), what });
}
