import type { Tensor } from "../gpu/tensor.ts";
import { conv2d } from "./conv2d.ts";
import { reshape } from "./reshape.ts";
import { fourSizes, twoSizes, wantShape } from "./shapes.ts";

/**
 * A fully connected layer: a convolution of images of one pixel.
 *
 * @param x Features, `[batch, inputs]`.
 * @param w Weights, `[1, 1, inputs, outputs]`, in the layout `weights`.
 * @param options.bias A number added to each output, `[outputs]`.
 * @returns `[batch, outputs]`.
 * @throws {TypeError} If the shapes do not fit.
 * @example
 * ```ts
 * import { Gpu, linear } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const w = gpu.tensor([3, 4], [1, 1, 2, 1], { layout: "weights" });
 * assert.deepEqual([...await linear(gpu.tensor([1, 2], [1, 2]), w).read()], [11]);
 * ```
 */
export function linear(x: Tensor, w: Tensor, { bias }: { bias?: Tensor | undefined } = {}): Tensor {
  const [batch, inputs] = twoSizes(x, "apply a linear layer to x");
  const [, , , outputs] = fourSizes(w, "apply the weights of a linear layer");
  wantShape(w, [1, 1, inputs, outputs], `apply a linear layer to ${inputs} features`);
  const y = conv2d(reshape(x, [batch, 1, 1, inputs]), w, { bias });
  return reshape(y, [batch, outputs]);
}
