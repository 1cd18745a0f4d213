import type { Tensor } from "../gpu/tensor.ts";
import { meanSquaredDifference } from "../ops/mean_squared_difference.ts";
import { scale } from "../ops/scale.ts";
import { distance } from "./distance.ts";

/** The readings of equation 2 that {@link differenceIn} knows. */
export const TRANSFER_FORMS = ["code", "paper"] as const;

/**
 * What beta weighs. With d = s - t, the difference of unit-length maps (or activations) of N samples of M numbers:
 *
 * - `code`, the original's: `1/(N M) sum_n ||d_n||_2^2`. No root and no half, and the mean over M makes it small: the
 *   original's beta is 1000.
 * - `paper`, equation 2 of {@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017} at p = 2, whose factor
 *   of beta is 1/2 and which leaves open what becomes of a batch: `1/2 1/N sum_n ||d_n||_2`, the mean over its samples.
 *   The paper's beta is about 0.1.
 */
export type TransferForm = typeof TRANSFER_FORMS[number];

/**
 * What beta weighs in a loss of transfer. Where the difference is zero, so is the gradient.
 *
 * @param student `[batch, ...]`, float32.
 * @param teacher A tensor of the same shape.
 * @returns A scalar.
 * @throws {TypeError} If the shapes or types differ.
 * @example
 * ```ts
 * import { differenceIn, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const [student, teacher] = [gpu.tensor([3, 4], [1, 2]), gpu.zeros([1, 2])];
 * assert.deepEqual([...await differenceIn("code", { student, teacher }).read()], [12.5]);
 * assert.deepEqual([...await differenceIn("paper", { student, teacher }).read()], [2.5]);
 * ```
 */
export function differenceIn(
  form: TransferForm,
  { student, teacher }: { student: Tensor; teacher: Tensor },
): Tensor {
  return form === "code"
    ? meanSquaredDifference(student, teacher)
    : scale(distance(student, teacher, { kind: "sample" }), 0.5);
}
