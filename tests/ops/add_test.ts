import assert from "node:assert/strict";
import { add } from "../../lib/ops/add.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";

interface Arrays {
  readonly a: Float64Array;
  readonly b: Float64Array;
}

const total = ({ a, b }: Arrays) => a.map((value, at) => value + (b[at] ?? NaN));

Deno.test("add: odd sizes, more than a workgroup", async () => {
  await checkOp(({ a, b }) => add(a, b), {
    inputs: { a: uniform([3, 5, 7, 5]), b: uniform([3, 5, 7, 5], { seed: 2 }) },
    shape: [3, 5, 7, 5],
    reference: total,
  });
});

Deno.test("add: weights keep their layout", async () => {
  const weights = { layout: "weights" as const };
  await checkOp(({ a, b }) => add(a, b), {
    inputs: {
      a: uniform([1, 3, 3, 5], weights),
      b: uniform([1, 3, 3, 5], { seed: 2, ...weights }),
    },
    shape: [1, 3, 3, 5],
    reference: total,
  });
});

Deno.test("add: refuses other shapes and layouts", async () => {
  const gpu = await testGpu();
  assert.throws(() => add(gpu.zeros([2, 3]), gpu.zeros([3, 2], { label: "b" })), {
    name: "TypeError",
    message: "Cannot add tensors: b must be [2, 3], found [3, 2]",
  });
  const b = gpu.zeros([2, 3], { label: "b", layout: "weights" });
  assert.throws(() => add(gpu.zeros([2, 3]), b), {
    name: "TypeError",
    message: "Cannot add tensors: b must have the layout channels, found weights",
  });
});
