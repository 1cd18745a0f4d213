import { sizeOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { alias, record } from "../tape.ts";

/**
 * The same values under another shape, without a copy. The last dimension must stay, since it is stored padded.
 *
 * @param shape Sizes with the same product and the same last one.
 * @throws {TypeError} If they differ.
 * @example
 * ```ts
 * import { Gpu, reshape } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([1, 2, 3, 4], [2, 1, 1, 2]);
 * assert.deepEqual(reshape(x, [2, 2]).shape, [2, 2]);
 * ```
 */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  if (sizeOf(shape) !== x.size || shape.at(-1) !== x.shape.at(-1) || x.layout !== "channels") {
    throw new TypeError(
      `Cannot reshape [${x.shape.join(", ")}] to [${
        shape.join(", ")
      }]: wanted as many elements and the same last dimension`,
    );
  }
  return record({
    name: "reshape",
    inputs: [x],
    output: alias(x, shape),
    vjp: (dy) => [reshape(dy, x.shape)],
  });
}
