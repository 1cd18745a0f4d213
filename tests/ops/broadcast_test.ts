import assert from "node:assert/strict";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import type { Keep } from "../../lib/ops/sum.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";

function repeat(v: Float64Array, { shape, keep }: { shape: readonly number[]; keep: Keep }) {
  const size = sizeOf(shape);
  return Float64Array.from({ length: size }, (_, at) => {
    const from = keep === "channels" ? at % v.length : Math.floor(at / (size / v.length));
    return v[from] ?? NaN;
  });
}

const FROM: readonly { keep: Keep; from: readonly number[] }[] = [
  { keep: "channels", from: [5] },
  { keep: "samples", from: [3] },
  { keep: "none", from: [] },
];

for (const { keep, from } of FROM) {
  for (const layout of ["channels", "weights"] as const) {
    Deno.test(`broadcast: ${keep} to the layout ${layout}`, async () => {
      const shape = [3, 5, 7, 5];
      await checkOp(({ v }) => broadcast(v, shape, { keep, layout }), {
        inputs: { v: uniform(from) },
        shape,
        reference: ({ v }) => repeat(v, { shape, keep }),
      });
    });
  }
}

Deno.test("broadcast: refuses what does not fit", async () => {
  const gpu = await testGpu();
  const v = gpu.zeros([5], { label: "v" });
  assert.throws(() => broadcast(v, [5, 3], { keep: "channels" }), {
    name: "TypeError",
    message: "Cannot broadcast to [5, 3]: v must be [3], found [5]",
  });
  assert.throws(() => broadcast(v, [5], { keep: "samples" }), {
    name: "TypeError",
    message: "Cannot broadcast: to keep samples, wanted at least two dimensions, found [5]",
  });
});
