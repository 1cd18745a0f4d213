import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { broadcast } from "./broadcast.ts";
import { multiply } from "./multiply.ts";
import { normaliseWithNorms } from "./normalise.ts";
import { wantType } from "./shapes.ts";

/**
 * The l2 norm of each sample, `sqrt(sum_i x_ni^2)`. Its gradient is the sample divided by its norm; that of a sample of
 * zeros is zero.
 *
 * @param x `[batch, ...]`, float32.
 * @returns Norms, `[batch]`.
 * @throws {TypeError} If x has fewer than two dimensions, the layout `weights` or another type.
 * @example
 * ```ts
 * import { Gpu, l2Norm } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * assert.deepEqual([...await l2Norm(gpu.tensor([3, -4, 0, 0], [2, 2])).read()], [5, 0]);
 * ```
 */
export function l2Norm(x: Tensor): Tensor {
  wantType(x, "f32", "take the l2 norm");
  const { units, norms } = normaliseWithNorms(x, { norm: "l2" });
  return record({
    name: "l2Norm",
    inputs: [x],
    output: norms,
    vjp: (dy) => [multiply(broadcast(dy, x.shape, { keep: "samples" }), units)],
  });
}
