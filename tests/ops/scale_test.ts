import { scale } from "../../lib/ops/scale.ts";
import { checkOp } from "../support/check_op.ts";
import { uniform } from "../support/operand.ts";

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
