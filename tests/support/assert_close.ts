import assert from "node:assert/strict";

/** How far two numbers may be apart: `atol + rtol * |wanted|`. */
export interface Tolerance {
  readonly atol?: number;
  readonly rtol?: number;
}

/** Asserts that numbers agree; a failure names the worst one and how many times the tolerance it is off. */
export function assertClose(
  found: ArrayLike<number>,
  wanted: ArrayLike<number>,
  { atol = 0, rtol = 0, what = "values" }: Tolerance & { what?: string },
): void {
  assert.equal(
    found.length,
    wanted.length,
    `${what}: wanted ${wanted.length} numbers, found ${found.length}`,
  );
  let worst = { at: -1, times: 0 };
  for (let at = 0; at < wanted.length; at++) {
    const a = found[at] ?? NaN;
    const b = wanted[at] ?? NaN;
    const off = Math.abs(a - b) / (atol + rtol * Math.abs(b));
    const times = Object.is(a, b) || a === b ? 0 : Number.isNaN(off) ? Infinity : off;
    if (times > worst.times) worst = { at, times };
  }
  assert.ok(
    worst.times <= 1,
    `${what}[${worst.at}]: wanted ${wanted[worst.at]}, found ${found[worst.at]}, ${
      worst.times.toPrecision(3)
    } times the tolerance`,
  );
}
