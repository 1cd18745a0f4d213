import assert from "node:assert/strict";
import { subtract } from "../../lib/ops/subtract.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";

Deno.test("subtract: the second input counts negative", async () => {
  await checkOp(({ a, b }) => subtract(a, b), {
    inputs: { a: uniform([3, 5]), b: uniform([3, 5], { seed: 2 }) },
    shape: [3, 5],
    reference: ({ a, b }) => a.map((value, at) => value - (b[at] ?? NaN)),
  });
});

Deno.test("subtract: refuses other shapes", async () => {
  const gpu = await testGpu();
  assert.throws(() => subtract(gpu.zeros([2]), gpu.zeros([3], { label: "b" })), {
    name: "TypeError",
    message: "Cannot subtract tensors: b must be [2], found [3]",
  });
});
