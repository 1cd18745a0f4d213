import assert from "node:assert/strict";
import { reshape } from "../../lib/ops/reshape.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";

Deno.test("reshape: the values stay", async () => {
  await checkOp(({ x }) => reshape(x, [6, 5]), {
    inputs: { x: uniform([2, 3, 1, 5]) },
    shape: [6, 5],
    reference: ({ x }) => x,
  });
});

Deno.test("reshape: the last dimension may change between multiples of four", async () => {
  await checkOp(({ x }) => reshape(x, [2, 24]), {
    inputs: { x: uniform([2, 3, 1, 8]) },
    shape: [2, 24],
    reference: ({ x }) => x,
  });
});

Deno.test("reshape: refuses another size, another padding, weights", async () => {
  const gpu = await testGpu();
  const rule = "wanted as many elements, and the same last dimension or multiples of four";
  assert.throws(() => reshape(gpu.zeros([2, 3]), [3, 3]), {
    name: "TypeError",
    message: `Cannot reshape [2, 3] to [3, 3]: ${rule}`,
  });
  assert.throws(() => reshape(gpu.zeros([2, 3]), [3, 2]), {
    name: "TypeError",
    message: `Cannot reshape [2, 3] to [3, 2]: ${rule}`,
  });
  assert.throws(() => reshape(gpu.zeros([1, 1, 2, 3], { layout: "weights" }), [2, 3]), {
    name: "TypeError",
    message: `Cannot reshape [1, 1, 2, 3] to [2, 3]: ${rule}`,
  });
});
