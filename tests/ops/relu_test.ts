import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { relu } from "../../lib/ops/relu.ts";
import { watch } from "../../lib/tape.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { spaced } from "../support/operand.ts";

Deno.test("relu: odd sizes, more than a workgroup", async () => {
  await checkOp(({ x }) => relu(x), {
    inputs: { x: spaced([3, 5, 7, 5]) },
    shape: [3, 5, 7, 5],
    reference: ({ x }) => x.map((value) => Math.max(value, 0)),
  });
});

Deno.test("relu: weights keep their layout", async () => {
  await checkOp(({ x }) => relu(x), {
    inputs: { x: { ...spaced([1, 3, 3, 5]), layout: "weights" } },
    shape: [1, 3, 3, 5],
    reference: ({ x }) => x.map((value) => Math.max(value, 0)),
  });
});

Deno.test("relu: zeros and negative values are dead, a NaN stays", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor([0, -1, -Infinity, NaN, Infinity], [5]));
  const y = relu(x);
  const [dx] = gradients(y, [x], { upstream: gpu.tensor([1, 2, 3, 4, 5], [5]) });
  assert.deepEqual([...await y.read()], [0, 0, 0, NaN, Infinity]);
  assert.deepEqual([...await dx?.read() ?? []], [0, 0, 0, 0, 5]);
});
