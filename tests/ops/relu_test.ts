import assert from "node:assert/strict";
import { isInPlace } from "../../lib/gpu/kernel.ts";
import { gradients } from "../../lib/gradients.ts";
import { relu } from "../../lib/ops/relu.ts";
import { scale } from "../../lib/ops/scale.ts";
import { watch } from "../../lib/tape.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { mergedPlan } from "../support/merged_plan.ts";
import { spaced } from "../support/operand.ts";
import { randomValues } from "../support/random.ts";

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

for (const dtype of ["f32", "f16"] as const) {
  Deno.test(`relu: its gradient is written where the upstream one lies, ${dtype}`, async () => {
    const gpu = await testGpu();
    const [x, dy] = [1, 2].map((seed) => {
      const values = randomValues(3 * 35 * 5, { seed, from: -1, to: 1 });
      return watch(gpu.tensor(values, [3, 5, 7, 5], { dtype }));
    });
    assert.ok(x !== undefined && dy !== undefined);
    const { dispatches } = await mergedPlan(gpu, () => {
      const dx = gradients(relu(x), [x], { upstream: scale(dy, 3) });
      return dx.map((gradient) => scale(gradient, 2));
    });
    assert.equal(dispatches.filter(isInPlace).length, 1);
  });
}
