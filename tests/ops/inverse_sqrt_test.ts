import assert from "node:assert/strict";
import { inverseSqrt } from "../../lib/ops/inverse_sqrt.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";

Deno.test("inverseSqrt: with and without an epsilon, the padding stays zero", async () => {
  for (const epsilon of [0, 0.25]) {
    await checkOp(({ x }) => inverseSqrt(x, { epsilon }), {
      inputs: { x: uniform([3, 5], { from: 0.5, to: 3 }) },
      shape: [3, 5],
      reference: ({ x }) => x.map((value) => 1 / Math.sqrt(value + epsilon)),
    });
  }
});

Deno.test("inverseSqrt: more than a workgroup", async () => {
  await checkOp(({ x }) => inverseSqrt(x), {
    inputs: { x: uniform([70, 3], { from: 0.5, to: 3 }) },
    shape: [70, 3],
    reference: ({ x }) => x.map((value) => 1 / Math.sqrt(value)),
  });
});

Deno.test("inverseSqrt: refuses weights", async () => {
  const gpu = await testGpu();
  const w = gpu.zeros([1, 1, 2, 2], { label: "w", layout: "weights" });
  assert.throws(() => inverseSqrt(w), {
    name: "TypeError",
    message: "Cannot take inverse square roots: w must have the layout channels, found weights",
  });
});
