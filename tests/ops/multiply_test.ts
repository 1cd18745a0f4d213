import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { watch } from "../../lib/tape.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";

interface Arrays {
  readonly a: Float64Array;
  readonly b: Float64Array;
}

const product = ({ a, b }: Arrays) => a.map((value, at) => value * (b[at] ?? NaN));

Deno.test("multiply: odd sizes, more than a workgroup", async () => {
  await checkOp(({ a, b }) => multiply(a, b), {
    inputs: { a: uniform([3, 5, 7, 5]), b: uniform([3, 5, 7, 5], { seed: 2 }) },
    shape: [3, 5, 7, 5],
    reference: product,
  });
});

Deno.test("multiply: weights keep their layout", async () => {
  const weights = { layout: "weights" as const };
  await checkOp(({ a, b }) => multiply(a, b), {
    inputs: {
      a: uniform([1, 3, 3, 5], weights),
      b: uniform([1, 3, 3, 5], { seed: 2, ...weights }),
    },
    shape: [1, 3, 3, 5],
    reference: product,
  });
});

Deno.test("multiply: a tensor by itself", async () => {
  await checkOp(({ a }) => multiply(a, a), {
    inputs: { a: uniform([3, 5]) },
    shape: [3, 5],
    reference: ({ a }) => a.map((value) => value * value),
  });
});

Deno.test("multiply: an input without a gradient gets none", async () => {
  const gpu = await testGpu();
  const a = watch(gpu.tensor([2, 3], [2]));
  const y = multiply(a, gpu.tensor([5, 7], [2]));
  const [da] = gradients(y, [a], { upstream: gpu.tensor([1, 10], [2]) });
  assert.deepEqual([...await da?.read() ?? []], [5, 70]);
});

Deno.test("multiply: refuses other shapes and layouts", async () => {
  const gpu = await testGpu();
  assert.throws(() => multiply(gpu.zeros([2, 3]), gpu.zeros([6], { label: "b" })), {
    name: "TypeError",
    message: "Cannot multiply tensors: b must be [2, 3], found [6]",
  });
  const a = gpu.zeros([2, 3], { label: "a", layout: "weights" });
  assert.throws(() => multiply(a, gpu.zeros([2, 3], { label: "b" })), {
    name: "TypeError",
    message: "Cannot multiply tensors: b must have the layout weights, found channels",
  });
});
