import type { Tensor } from "../gpu/tensor.ts";
import { l2Norm } from "../ops/l2_norm.ts";
import { multiply } from "../ops/multiply.ts";
import { reshape } from "../ops/reshape.ts";
import { wantLike } from "../ops/shapes.ts";
import { subtract } from "../ops/subtract.ts";
import { mean, sum } from "../ops/sum.ts";

/** The readings of `||a - b||_2` that {@link distance} knows. */
export const DISTANCES = ["batch", "sample", "square"] as const;

/**
 * How far two batches are apart, with d = a - b: `batch` is the norm of the whole batch, `sqrt(sum_n sum_i d_ni^2)`;
 * `sample` the mean over the samples of their norms, `1/N sum_n sqrt(sum_i d_ni^2)`; `square` the sum of squares,
 * `sum_n sum_i d_ni^2`.
 */
export type Distance = typeof DISTANCES[number];

/**
 * The distance of two tensors, in one of the readings that the `||a - b||_2` of
 * {@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017}, equations 2, 5 and 6, leaves open for a batch.
 * Where a difference is zero, so is its gradient.
 *
 * @param a `[batch, ...]`, float32.
 * @param b A tensor of the same shape; either may be a constant.
 * @param options.kind The reading.
 * @returns A scalar.
 * @throws {TypeError} If the shapes or types differ, or `batch` or `sample` is taken of fewer than two dimensions.
 * @example
 * ```ts
 * import { distance, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const [a, b] = [gpu.tensor([3, 4, 12, 0], [2, 2]), gpu.zeros([2, 2])];
 * assert.deepEqual([...await distance(a, b, { kind: "batch" }).read()], [13]);
 * assert.deepEqual([...await distance(a, b, { kind: "sample" }).read()], [8.5]);
 * assert.deepEqual([...await distance(a, b, { kind: "square" }).read()], [169]);
 * ```
 */
export function distance(a: Tensor, b: Tensor, { kind }: { kind: Distance }): Tensor {
  wantLike(b, a, "take a distance");
  return magnitude(subtract(a, b), { kind });
}

/**
 * The {@link distance} of a tensor from zero.
 *
 * @param d `[batch, ...]`, float32.
 * @param options.kind The reading.
 * @returns A scalar.
 * @throws {TypeError} If `batch` or `sample` is taken of fewer than two dimensions.
 */
export function magnitude(d: Tensor, { kind }: { kind: Distance }): Tensor {
  switch (kind) {
    case "batch":
      // The norm of the samples' norms, since one sample is what one workgroup adds up.
      return sum(l2Norm(reshape(l2Norm(d), [1, d.shape[0] ?? 1])), { keep: "none" });
    case "sample":
      return mean(l2Norm(d));
    case "square":
      return sum(multiply(d, d), { keep: "none" });
  }
}
