import type { Tensor } from "../gpu/tensor.ts";
import { gradients } from "../gradients.ts";
import type { Activations } from "../models/activations.ts";
import { crossEntropy } from "../ops/cross_entropy.ts";
import { mean } from "../ops/sum.ts";

/** What an {@link imageGradient} is taken of. */
export interface ImageGradientOptions {
  /** The images, `[batch, height, width, 3]`, a leaf that the activations were computed from. */
  readonly images: Tensor;
  /** Class numbers, u32, `[batch]`. */
  readonly labels: Tensor;
  /** Whether the result can be differentiated again, as a loss of it must be; otherwise it is a constant. */
  readonly differentiable: boolean;
}

/**
 * Gradient-based attention, the J of {@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017}, equation 3:
 * the gradient with respect to the images of the cross-entropy, a mean over the batch.
 *
 * @param activations What a network makes of the images.
 * @returns `[batch, height, width, 3]`.
 * @throws {TypeError} If the activations do not depend on the images, or an op on the way has no second derivative.
 * @example
 * ```ts
 * import { globalAvgPool2d, Gpu, imageGradient, watch } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const images = watch(gpu.zeros([1, 1, 1, 3]));
 * const labels = gpu.tensor([2], [1], { dtype: "u32" });
 * const activations = { logits: globalAvgPool2d(images), taps: [] };
 * const j = imageGradient(activations, { images, labels, differentiable: false });
 * const third = Math.fround(1 / 3);
 * assert.ok([...await j.read()].every((v, at) => Math.abs(v - (at < 2 ? third : -2 * third)) < 1e-6));
 * ```
 */
export function imageGradient(
  { logits }: Activations,
  { images, labels, differentiable }: ImageGradientOptions,
): Tensor {
  const loss = mean(crossEntropy(logits, labels));
  const [gradient = images] = gradients(loss, [images], { differentiable });
  return gradient;
}
