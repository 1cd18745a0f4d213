import type { Tensor } from "../gpu/tensor.ts";
import { crossEntropy } from "../ops/cross_entropy.ts";
import { distillation } from "../ops/distillation.ts";
import { mean } from "../ops/sum.ts";
import { attentionTransfer } from "./attention_transfer.ts";
import type { LossInputs, LossTerm, Weight } from "./loss_term.ts";
import { pairsOfTaps, teacherOf } from "./pairs.ts";

/** The cross-entropy against the labels, `-log softmax(y)[label]`, a mean over the batch. */
export function crossEntropyTerm({ weight }: { weight: Weight }): LossTerm {
  return {
    name: "cross_entropy",
    weight,
    loss: ({ student, labels }) => mean(crossEntropy(student.logits, labels)),
  };
}

/**
 * Knowledge distillation ({@link https://arxiv.org/abs/1503.02531 | Hinton et al. 2015}),
 * `T^2 KL(softmax(t / T) || softmax(s / T))`, a mean over the batch.
 *
 * @param options.temperature T; 4 unless told.
 */
export function distillationTerm(
  { weight, temperature = 4 }: { weight: Weight; temperature?: number },
): LossTerm {
  const name = "distillation";
  return {
    name,
    weight,
    loss: (inputs) => {
      const { logits } = teacherOf(inputs, name);
      return mean(distillation(inputs.student.logits, logits, { temperature }));
    },
  };
}

/**
 * Activation-based attention transfer, a loss a group: {@link attentionTransfer}. Without a teacher and with weight 0
 * there is none.
 *
 * @param options.taps The groups, from 0; all of the student's unless told.
 */
export function attentionTerm(
  { weight, taps }: { weight: Weight; taps?: readonly number[] },
): LossTerm {
  const name = "attention";
  const loss = (inputs: LossInputs): Tensor[] => {
    if (inputs.teacher === null && weight === 0) return [];
    return pairsOfTaps(inputs, { taps, loss: name }).map(({ student, teacher }) =>
      attentionTransfer(student, teacher)
    );
  };
  return { name, weight, loss };
}
