import { assertClose } from "./assert_close.ts";

/** Compares to a part of the largest value. */
export function assertLargest(
  found: Float32Array,
  wanted: Float32Array,
  { rtol, what }: { rtol: number; what: string },
): void {
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assertClose(found, wanted, { atol: rtol * largest, what });
}
