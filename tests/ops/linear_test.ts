import assert from "node:assert/strict";
import { linear } from "../../lib/ops/linear.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";

interface Arrays {
  readonly x: Float64Array;
  readonly w: Float64Array;
  readonly b?: Float64Array;
}

function product({ x, w, b }: Arrays, outputs: number): number[] {
  const inputs = w.length / outputs;
  return Array.from({ length: x.length / inputs * outputs }, (_, at) => {
    const [n, o] = [Math.floor(at / outputs), at % outputs];
    let total = b?.[o] ?? 0;
    for (let i = 0; i < inputs; i++) {
      total += (x[n * inputs + i] ?? NaN) * (w[i * outputs + o] ?? NaN);
    }
    return total;
  });
}

Deno.test("linear: with a bias and second derivatives", async () => {
  await checkOp(({ x, w, b }) => linear(x, w, { bias: b }), {
    inputs: {
      x: uniform([3, 5]),
      w: uniform([1, 1, 5, 10], { seed: 2, layout: "weights" }),
      b: uniform([10], { seed: 3 }),
    },
    shape: [3, 10],
    reference: (values) => product(values, 10),
  });
});

Deno.test("linear: without a bias, one sample, 41 features", async () => {
  await checkOp(({ x, w }) => linear(x, w), {
    inputs: { x: uniform([1, 41]), w: uniform([1, 1, 41, 3], { seed: 2, layout: "weights" }) },
    shape: [1, 3],
    reference: (values) => product(values, 3),
    second: false,
  });
});

Deno.test("linear: refuses what does not fit", async () => {
  const gpu = await testGpu();
  const w = gpu.zeros([1, 1, 5, 2], { label: "w", layout: "weights" });
  assert.throws(() => linear(gpu.zeros([1, 1, 1, 5]), w), {
    name: "TypeError",
    message: "Cannot apply a linear layer to x: wanted two dimensions, found [1, 1, 1, 5]",
  });
  assert.throws(() => linear(gpu.zeros([1, 5]), gpu.zeros([5, 2])), {
    name: "TypeError",
    message: "Cannot apply the weights of a linear layer: wanted four dimensions, found [5, 2]",
  });
  assert.throws(() => linear(gpu.zeros([1, 4]), w), {
    name: "TypeError",
    message:
      "Cannot apply a linear layer to 4 features: w must be [1, 1, 4, 2], found [1, 1, 5, 2]",
  });
});
