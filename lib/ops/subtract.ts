import type { Tensor } from "../gpu/tensor.ts";
import { add } from "./add.ts";
import { scale } from "./scale.ts";
import { wantLike } from "./shapes.ts";

/**
 * Subtracts one tensor from another of the same shape, element by element.
 *
 * @param a A tensor of any shape.
 * @param b A tensor of the same shape, layout and type.
 * @returns `a - b`, of their shape.
 * @throws {TypeError} If the shapes, layouts or types differ.
 * @example
 * ```ts
 * import { Gpu, subtract } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const difference = subtract(gpu.tensor([5, 7], [2]), gpu.tensor([1, 2], [2]));
 * assert.deepEqual([...await difference.read()], [4, 5]);
 * ```
 */
export function subtract(a: Tensor, b: Tensor): Tensor {
  wantLike(b, a, "subtract tensors");
  return add(a, scale(b, -1));
}
