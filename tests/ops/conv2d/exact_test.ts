import assert from "node:assert/strict";
import { sizeOf } from "../../../lib/gpu/layout.ts";
import type { Geometry } from "../../../lib/ops/conv2d/geometry.ts";
import { exactForward, exactInputGradient } from "../../../lib/ops/conv2d/exact.ts";
import { randomValues } from "../../support/random.ts";
import { convolve, convolvedShape } from "../../support/reference/conv2d.ts";

const CASES = [
  { x: [2, 5, 7, 3], w: [3, 3, 3, 4], stride: 1, padding: 1 },
  { x: [1, 6, 9, 2], w: [3, 3, 2, 5], stride: 2, padding: 1 },
  { x: [2, 4, 5, 3], w: [1, 1, 3, 2], stride: 2, padding: 0 },
  { x: [1, 9, 8, 1], w: [7, 5, 1, 2], stride: 2, padding: 3 },
] as const;

function all(size: number): number[] {
  return Array.from({ length: size }, (_, place) => place);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a, (value, at) => value * (b[at] ?? NaN)).reduce((sum, term) => sum + term, 0);
}

for (const sizes of CASES) {
  const geometry: Geometry = { ...sizes, y: convolvedShape(sizes) };
  const floats = (shape: readonly number[], seed: number) =>
    Float32Array.from(randomValues(sizeOf(shape), { seed }));
  const [x, w, dy] = [floats(sizes.x, 1), floats(sizes.w, 2), floats(geometry.y, 3)];
  const y = convolve({ x: Float64Array.from(x), w: Float64Array.from(w) }, sizes);

  Deno.test(`exactForward: is the convolution, ${JSON.stringify(sizes)}`, () => {
    const found = exactForward(geometry, { x, w, places: all(y.length) });
    found.forEach((value, at) => assert.ok(Math.abs(value - (y[at] ?? NaN)) < 1e-12));
    const [some] = exactForward(geometry, { x, w, places: [y.length - 2] });
    assert.equal(some, found.at(-2));
  });

  Deno.test(`exactInputGradient: is what the convolution transposes to, ${JSON.stringify(sizes)}`, () => {
    const dx = exactInputGradient(geometry, { dy, w, places: all(x.length) });
    assert.equal(dx.length, x.length);
    assert.ok(Math.abs(dot(dx, x) - dot(dy, y)) < 1e-9);
    // The same for an image that is zero but for one place, each place in turn.
    for (const at of [0, 1, Math.floor(x.length / 2), x.length - 1]) {
      const unit = new Float64Array(x.length);
      unit[at] = 1;
      const column = convolve({ x: unit, w: Float64Array.from(w) }, sizes);
      assert.ok(Math.abs((dx[at] ?? NaN) - dot(dy, column)) < 1e-12);
    }
  });
}
