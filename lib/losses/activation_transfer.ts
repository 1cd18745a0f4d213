import type { Tensor } from "../gpu/tensor.ts";
import { normalise } from "../ops/normalise.ts";
import { wantShape } from "../ops/shapes.ts";
import { stopGradient } from "../tape.ts";
import { differenceIn, type TransferForm } from "./transfer_form.ts";

/** Options of {@link activationTransfer}. */
export interface ActivationTransferOptions {
  /** What beta weighs. Default: `code`. */
  readonly form?: TransferForm;
}

/**
 * Transfer of full activations, the F-ActT of
 * {@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017}, Table 1: how far `A_S / ||A_S||_2` is from
 * `A_T / ||A_T||_2`, a sample's height, width and channels as one vector. The paper says no more than that it is an l2
 * loss of l2-normalised activations, so both forms of {@link attentionTransfer} are here: by default the
 * mean over batch, positions and channels of `(A_S / ||A_S||_2 - A_T / ||A_T||_2)^2`. The teacher is a constant.
 *
 * @param student Activations, `[batch, height, width, channels]`, or whatever a 1x1 convolution made of them to have
 * the teacher's channels.
 * @param teacher Activations of the same shape.
 * @returns A scalar, which beta weighs.
 * @throws {TypeError} If the shapes differ, or there are fewer than two dimensions.
 * @example
 * ```ts
 * import { activationTransfer, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const student = gpu.tensor([2, 0], [1, 1, 1, 2]);
 * const teacher = gpu.tensor([0, -3], [1, 1, 1, 2]);
 * assert.deepEqual([...await activationTransfer(student, teacher).read()], [1]);
 * ```
 */
export function activationTransfer(
  student: Tensor,
  teacher: Tensor,
  { form = "code" }: ActivationTransferOptions = {},
): Tensor {
  wantShape(teacher, student.shape, "transfer activations");
  return differenceIn(form, {
    student: normalise(student),
    teacher: normalise(stopGradient(teacher)),
  });
}
