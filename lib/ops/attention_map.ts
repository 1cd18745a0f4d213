import type { Tensor } from "../gpu/tensor.ts";
import { activationMap } from "./activation_map.ts";
import { type Norm, normalise } from "./normalise.ts";

/** Options of {@link attentionMap}. */
export interface AttentionMapOptions {
  /** The map's name, as {@link parseMap} reads it. Default: `sum^2`. */
  readonly map?: string;
  /** The norm that each sample's map is divided by. Default: `l2`. */
  readonly norm?: Norm;
}

/**
 * Reduces activations to one attention map a sample, `F(A) / ||F(A)||`: the {@link activationMap} F of
 * {@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017}, made of unit length as in equation 2.
 * A sample of zeros gives a map of zeros and a zero gradient. It has no second derivative.
 *
 * @param x Activations, `[batch, height, width, channels]`.
 * @returns Maps, `[batch, height * width]`, float32 even where x is in half precision.
 * @throws {TypeError} If x does not have four dimensions.
 * @throws {RangeError} If there is no such map.
 * @example
 * ```ts
 * import { attentionMap, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const map = attentionMap(gpu.tensor([3, 0], [1, 2, 1, 1]));
 * assert.deepEqual([...await map.read()], [1, 0]);
 * ```
 */
export function attentionMap(
  x: Tensor,
  { map = "sum^2", norm = "l2" }: AttentionMapOptions = {},
): Tensor {
  return normalise(activationMap(x, { map }), { norm });
}
