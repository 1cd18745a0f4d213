import assert from "node:assert/strict";
import { meanSquaredDifference } from "../../lib/ops/mean_squared_difference.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";

interface Arrays {
  readonly a: Float64Array;
  readonly b: Float64Array;
}

function meanSquare({ a, b }: Arrays): number[] {
  const squares = a.map((value, at) => (value - (b[at] ?? NaN)) ** 2);
  return [squares.reduce((x, y) => x + y) / a.length];
}

Deno.test("meanSquaredDifference: odd sizes, with second derivatives", async () => {
  await checkOp(({ a, b }) => meanSquaredDifference(a, b), {
    inputs: { a: uniform([3, 5]), b: uniform([3, 5], { seed: 2 }) },
    shape: [],
    reference: meanSquare,
  });
});

Deno.test("meanSquaredDifference: weights", async () => {
  const weights = { layout: "weights" as const };
  await checkOp(({ a, b }) => meanSquaredDifference(a, b), {
    inputs: {
      a: uniform([1, 3, 3, 5], weights),
      b: uniform([1, 3, 3, 5], { seed: 2, ...weights }),
    },
    shape: [],
    reference: meanSquare,
  });
});

Deno.test("meanSquaredDifference: more than a workgroup adds at once", async () => {
  const shape = [30, 9, 9, 3];
  await checkOp(({ a, b }) => meanSquaredDifference(a, b), {
    inputs: { a: uniform(shape), b: uniform(shape, { seed: 2 }) },
    shape: [],
    reference: meanSquare,
    second: false,
    most: 30,
  });
});

Deno.test("meanSquaredDifference: refuses other shapes and layouts", async () => {
  const gpu = await testGpu();
  const a = gpu.zeros([2, 3]);
  assert.throws(() => meanSquaredDifference(a, gpu.zeros([3], { label: "b" })), {
    name: "TypeError",
    message: "Cannot compare tensors: b must be [2, 3], found [3]",
  });
  const b = gpu.zeros([2, 3], { label: "b", layout: "weights" });
  assert.throws(() => meanSquaredDifference(a, b), {
    name: "TypeError",
    message: "Cannot compare tensors: b must have the layout channels, found weights",
  });
});
