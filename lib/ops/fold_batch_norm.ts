import source from "../../kernels/fold_batch_norm.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import { quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { BatchNormParameters } from "./batch_norm.ts";
import { fourSizes, storedQuads, wantLayout, wantShape, wantType } from "./shapes.ts";

const kernel = new Kernel("fold_batch_norm", source);

/** A convolution's weights and bias. */
export interface FoldedConvolution {
  /** `[kernel height, kernel width, inputs, outputs]`, in the layout `weights`. */
  readonly w: Tensor;
  /** `[outputs]`. */
  readonly bias: Tensor;
}

/**
 * Folds a batch normalisation with its running statistics into the weights of the convolution before it, so that the
 * two are one biased convolution. It has no gradient.
 *
 * @param w The weights of a convolution without bias, `[kernel height, kernel width, inputs, outputs]`.
 * @param options What the normalisation is made of, each `[outputs]`. Default of epsilon: 1e-5.
 * @returns `w * weight / sqrt(variance + epsilon)` and `bias - mean * weight / sqrt(variance + epsilon)`.
 * @throws {TypeError} If the shapes do not fit, or the numbers are not float32.
 * @example
 * ```ts
 * import { foldBatchNorm, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const { w, bias } = foldBatchNorm(gpu.tensor([3], [1, 1, 1, 1], { layout: "weights" }), {
 *   weight: gpu.tensor([2], [1]),
 *   bias: gpu.tensor([1], [1]),
 *   runningMean: gpu.tensor([5], [1]),
 *   runningVariance: gpu.tensor([4], [1]),
 *   epsilon: 0,
 * });
 * assert.deepEqual([...await w.read(), ...await bias.read()], [3, -4]);
 * ```
 */
export function foldBatchNorm(
  w: Tensor,
  { weight, bias, runningMean, runningVariance, epsilon = 1e-5 }: BatchNormParameters & {
    readonly epsilon?: number;
  },
): FoldedConvolution {
  const [, , , outputs] = fourSizes(w, "fold into the weights");
  const action = "fold a normalisation into a convolution";
  wantLayout(w, "weights", action);
  wantType(w, "f32", action);
  for (const tensor of [weight, bias, runningMean, runningVariance]) {
    wantShape(tensor, [outputs], action);
    wantType(tensor, "f32", action);
  }
  const { gpu } = w;
  const folded = gpu.empty(w.shape, { label: `folded ${w.label}`, layout: "weights" });
  const foldedBias = gpu.empty([outputs], { label: `folded ${bias.label}` });
  const quads = storedQuads(w);
  kernel.dispatch("forward", {
    read: [w, weight, bias, runningMean, runningVariance],
    write: [folded, foldedBias],
    constants: { quads, out_quads: quadsOf(outputs), channels: outputs, epsilon },
    grid: gridFor(quads, 64),
  });
  return { w: folded, bias: foldedBias };
}
