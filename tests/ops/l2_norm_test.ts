import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { l2Norm } from "../../lib/ops/l2_norm.ts";
import { watch } from "../../lib/tape.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";
import { readChecked } from "../support/stored.ts";

for (const shape of [[3, 5], [5, 1], [2, 3, 3, 7]]) {
  Deno.test(`l2Norm: [${shape.join(", ")}]`, async () => {
    const [batch = NaN] = shape;
    await checkOp(({ x }) => l2Norm(x), {
      inputs: { x: uniform(shape, { from: 0.5, to: 2 }) },
      shape: [batch],
      reference: ({ x }) => {
        const columns = x.length / batch;
        return Float64Array.from(
          { length: batch },
          (_, n) => Math.hypot(...x.subarray(n * columns, (n + 1) * columns)),
        );
      },
    });
  });
}

Deno.test("l2Norm: a sample of zeros has a zero gradient, in both forms", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor([0, 0, 0, 0, 0, -4], [2, 3]));
  const y = l2Norm(x);
  const upstream = gpu.tensor([7, 2], [2]);
  const found = await readChecked([
    y,
    ...gradients(y, [x], { upstream }),
    ...gradients(y, [x], { upstream, differentiable: true }),
  ]);
  const slope = [0, 0, 0, 0, 0, -2];
  assert.deepEqual(found.map((values) => [...values].map((value) => value + 0)), [
    [0, 4],
    slope,
    slope,
  ]);
});

Deno.test("l2Norm: refuses half precision and what has no samples", async () => {
  const gpu = await testGpu();
  assert.throws(() => l2Norm(gpu.zeros([2, 3], { label: "x", dtype: "u32" })), {
    name: "TypeError",
    message: "Cannot take the l2 norm: x must hold f32 numbers, found u32",
  });
  assert.throws(() => l2Norm(gpu.zeros([3])), { name: "TypeError", message: /found \[3\]$/ });
});
