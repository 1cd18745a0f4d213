import assert from "node:assert/strict";
import { avgPool2d } from "../../lib/ops/avg_pool2d.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";
import { pool, pooledShape, POOLINGS } from "../support/reference/pool2d.ts";

function add(window: readonly number[]): number {
  return window.reduce((a, b) => a + b, 0);
}

for (const sizes of POOLINGS) {
  const { x: shape, size, ...options } = sizes;
  const { stride, padding, ceil = false } = options;
  const how = `padded by ${padding}${ceil ? ", rounded up," : ""}`;
  Deno.test(`avgPool2d: ${size}/${stride} ${how} of [${shape.join(", ")}]`, async () => {
    await checkOp(({ x }) => avgPool2d(x, size, options), {
      inputs: { x: uniform(shape) },
      shape: pooledShape(sizes),
      reference: ({ x }) => pool(x, sizes, (window, pixels) => add(window) / pixels),
    });
  });
}

Deno.test("avgPool2d: refuses what does not fit", async () => {
  const gpu = await testGpu();
  const message = "Cannot pool x: wanted four dimensions, found [4, 4]";
  assert.throws(() => avgPool2d(gpu.zeros([4, 4]), 2), { name: "TypeError", message });
  assert.throws(() => avgPool2d(gpu.zeros([1, 4, 2, 1]), 3), {
    name: "RangeError",
    message:
      "Cannot pool: a window of 3 must fit into the padded side and be at least twice the padding, found a side of 2 padded by 0",
  });
});
