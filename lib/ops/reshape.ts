import { sizeOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { alias, record } from "../tape.ts";

/**
 * The same values under another shape, without a copy. The last dimension is stored padded to a multiple of four, so it
 * must stay, or be such a multiple before and after.
 *
 * @param x A tensor of any shape, in the layout `channels`.
 * @param shape Sizes with the same product.
 * @throws {TypeError} If the product or the padding differs.
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
  const [before = 1, after = 1] = [x.shape.at(-1), shape.at(-1)];
  const isPaddedAlike = before === after || (before % 4 === 0 && after % 4 === 0);
  if (sizeOf(shape) !== x.size || !isPaddedAlike || x.layout !== "channels") {
    throw new TypeError(
      `Cannot reshape [${x.shape.join(", ")}] to [${
        shape.join(", ")
      }]: wanted as many elements, and the same last dimension or multiples of four`,
    );
  }
  return record({
    name: "reshape",
    inputs: [x],
    output: alias(x, shape),
    vjp: (dy) => [reshape(dy, x.shape)],
  });
}
