import type { Tensor } from "../gpu/tensor.ts";
import { crossEntropy } from "../ops/cross_entropy.ts";
import { distillation } from "../ops/distillation.ts";
import { multiply } from "../ops/multiply.ts";
import { mean } from "../ops/sum.ts";
import { type Term, weightedSum } from "../ops/weighted_sum.ts";
import type { Activations, LossFunction } from "./activations.ts";
import { attentionTransfer } from "./attention_transfer.ts";

/** Weights of the parts of {@link transferLoss}. */
export interface TransferWeights {
  /** Weight of the distillation; the cross-entropy weighs 1 - alpha. 0 unless told. */
  readonly alpha?: number;
  /**
   * Weight of the sum of the groups' attention losses: a number, or a scalar on the GPU that may be overwritten from step
   * to step. 0 unless told.
   */
  readonly beta?: number | Tensor;
  /** The groups whose attention is transferred, from 0; all of them unless told. */
  readonly taps?: readonly number[];
  /** Temperature of the distillation; 4 unless told. */
  readonly temperature?: number;
}

/**
 * The original's objective: `(1 - alpha) CE + alpha T^2 KL + beta sum_j AT_j`, each a mean over the batch.
 * With a teacher the attention losses are computed even where beta is 0, so that they can be watched.
 *
 * @throws {RangeError} If alpha or beta is set and a batch comes without a teacher's activations, or there is no such
 * group.
 * @example
 * ```ts
 * import { Gpu, transferLoss } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const labels = gpu.tensor([0], [1], { dtype: "u32" });
 * const student = { logits: gpu.tensor([0, 0], [1, 2]), taps: [gpu.tensor([1, 0], [1, 1, 2, 1])] };
 * const teacher = { logits: gpu.tensor([0, 0], [1, 2]), taps: [gpu.tensor([0, 1], [1, 1, 2, 1])] };
 * const { total } = transferLoss({ beta: 10 })({ student, teacher, labels });
 * const [value = NaN] = await total.read();
 * assert.ok(Math.abs(value - (Math.LN2 + 10)) < 1e-5);
 * ```
 */
export function transferLoss(
  { alpha = 0, beta = 0, temperature = 4, taps }: TransferWeights = {},
): LossFunction {
  return ({ student, teacher, labels }) => {
    const hard = mean(crossEntropy(student.logits, labels));
    if (teacher === null) {
      if (alpha !== 0 || beta !== 0) {
        throw new RangeError(
          `Cannot transfer with alpha ${alpha} and beta ${
            wordWeight(beta)
          }: wanted a teacher, found none`,
        );
      }
      return { total: hard, crossEntropy: hard, attention: [] };
    }
    const attention = (taps ?? student.taps.map((_, at) => at)).map((at) =>
      attentionOf(at, { student, teacher })
    );
    const soft = alpha === 0 ? [] : [
      { value: mean(distillation(student.logits, teacher.logits, { temperature })), weight: alpha },
    ];
    const maps = weighedBy(beta, attention);
    const total = weightedSum([{ value: hard, weight: 1 - alpha }, ...soft, ...maps]);
    return { total, crossEntropy: hard, attention };
  };
}

/** The attention loss of one group. */
function attentionOf(
  at: number,
  { student, teacher }: { student: Activations; teacher: Activations },
): Tensor {
  const [own, other] = [student.taps[at], teacher.taps[at]];
  if (own === undefined) {
    throw new RangeError(
      `Cannot transfer the attention of group ${at}: wanted one of 0 to ${student.taps.length - 1}`,
    );
  }
  if (other !== undefined) return attentionTransfer(own, other);
  throw new TypeError(
    `Cannot transfer attention: the teacher must have ${student.taps.length} groups, found ${teacher.taps.length}`,
  );
}

function weighedBy(beta: number | Tensor, attention: readonly Tensor[]): Term[] {
  if (beta === 0 || attention.length === 0) return [];
  if (typeof beta === "number") return attention.map((value) => ({ value, weight: beta }));
  const sum = weightedSum(attention.map((value) => ({ value, weight: 1 })));
  return [{ value: multiply(sum, beta), weight: 1 }];
}

function wordWeight(weight: number | Tensor): string {
  return typeof weight === "number" ? String(weight) : `of ${weight.label}`;
}
