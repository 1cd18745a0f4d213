import assert from "node:assert/strict";
import { assertClose, type Tolerance } from "./assert_close.ts";
import { largest } from "./assert_largest.ts";
import { isOnCard } from "./gpu.ts";

/**
 * Asserts that differently compiled programs of the same arithmetic compute the same arrays: the same bits on the CPU;
 * to rounding on a card, whose driver contracts `a * b + c` in one pipeline and not in the next. There an element may be
 * off by `rtol` times itself plus `atol` times the largest of its array, or 0.001 where that is more: a gradient may be
 * zero but for rounding. Default: 1e-5 and 1e-6.
 */
export async function assertSameValues(
  found: readonly Float32Array[],
  wanted: readonly Float32Array[],
  { atol = 1e-6, rtol = 1e-5, what = "output" }: Tolerance & { what?: string } = {},
): Promise<void> {
  if (!await isOnCard()) {
    assert.deepEqual(found, wanted, what);
    return;
  }
  assert.equal(found.length, wanted.length);
  wanted.forEach((values, at) => {
    const tolerance = { rtol, atol: atol * Math.max(largest(values), 1e-3) };
    assertClose(found[at] ?? [], values, { ...tolerance, what: `${what} ${at}` });
  });
}

/** How far half precision may be off: a card rounds to it in one program, and not in the next. */
export const HALF_TOLERANCE = { rtol: 2e-3, atol: 2e-3 };
