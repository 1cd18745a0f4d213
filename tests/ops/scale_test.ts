import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { scale } from "../../lib/ops/scale.ts";
import { mean, sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { mergedPlan } from "../support/merged_plan.ts";
import { uniform } from "../support/operand.ts";
import { randomValues } from "../support/random.ts";

Deno.test("scale: a negative factor, more than a workgroup", async () => {
  await checkOp(({ x }) => scale(x, -2.5), {
    inputs: { x: uniform([2, 9, 9, 3]) },
    shape: [2, 9, 9, 3],
    reference: ({ x }) => x.map((value) => -2.5 * value),
  });
});

Deno.test("scale: weights keep their layout", async () => {
  await checkOp(({ x }) => scale(x, 3), {
    inputs: { x: uniform([1, 1, 5, 3], { layout: "weights" }) },
    shape: [1, 1, 5, 3],
    reference: ({ x }) => x.map((value) => 3 * value),
  });
});

Deno.test("scale: merged with a sum's store and a broadcast's load, it computes the same values", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor(randomValues(3 * 50, { seed: 1 }), [3, 50]));
  const build = () => {
    const y = mean(x);
    const [dx] = gradients(y, [x]);
    const rows = sum(x, { keep: "channels" });
    return [y, dx ?? y, broadcast(scale(rows, 0.3), [2, 50], { keep: "channels" })];
  };
  const { fused } = await mergedPlan(gpu, build);
  assert.deepEqual(fused, [
    `${gpu.hasSubgroups ? "subgroup_sum" : "sum"}.row + scale.forward`,
    "broadcast.over_channels + scale.forward",
    "broadcast.over_rows + scale.forward",
  ]);
});
