import assert from "node:assert/strict";
import { flip } from "../../lib/ops/flip.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";
import { mirrored } from "../support/reference/flip.ts";

for (
  const [batch, height, width, channels] of [[2, 3, 5, 3], [1, 1, 1, 1], [1, 2, 40, 7]] as const
) {
  const shape = [batch, height, width, channels];
  Deno.test(`flip: mirrors [${shape}], and its gradient`, async () => {
    await checkOp(({ x }) => flip(x), {
      inputs: { x: uniform(shape) },
      shape,
      reference: ({ x }) => mirrored(x, { width, channels }),
    });
  });
}

Deno.test("flip: refuses what is no image", async () => {
  const gpu = await testGpu();
  assert.throws(() => flip(gpu.zeros([2, 3], { label: "x" })), {
    name: "TypeError",
    message: /^Cannot mirror x: /,
  });
});
