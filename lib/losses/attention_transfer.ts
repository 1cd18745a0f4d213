import type { Tensor } from "../gpu/tensor.ts";
import { attentionLoss } from "../ops/attention_loss.ts";
import { stopGradient } from "../tape.ts";

/**
 * The attention-transfer loss of one pair of activations, in the form of the original code: the mean over batch and
 * positions of `(Q_S / ||Q_S||_2 - Q_T / ||Q_T||_2)^2` with `Q = F_sum^2(A)`
 * ({@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017}, equation 2). The teacher is a constant.
 *
 * @param student Activations, `[batch, height, width, channels]`.
 * @param teacher Activations of the same batch, height and width; any channels.
 * @returns A scalar.
 * @throws {TypeError} If the maps differ in size.
 * @example
 * ```ts
 * import { attentionTransfer, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const student = gpu.tensor([1, 0], [1, 1, 2, 1]);
 * const teacher = gpu.tensor([0, 0, 5, 5], [1, 1, 2, 2]);
 * assert.deepEqual([...await attentionTransfer(student, teacher).read()], [1]);
 * ```
 */
export function attentionTransfer(student: Tensor, teacher: Tensor): Tensor {
  return attentionLoss(student, stopGradient(teacher));
}
