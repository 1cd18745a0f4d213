import type { Tensor } from "../gpu/tensor.ts";
import { weightSpec } from "../models/specs.ts";
import { conv2d } from "../ops/conv2d.ts";
import { crossEntropy } from "../ops/cross_entropy.ts";
import { distillation } from "../ops/distillation.ts";
import { mean } from "../ops/sum.ts";
import { activationTransfer, type ActivationTransferOptions } from "./activation_transfer.ts";
import { attentionTransfer, type AttentionTransferOptions } from "./attention_transfer.ts";
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
 * @param options.temperature T. Default: 4.
 */
export function distillationTerm(
  { weight, temperature = 4 }: { weight: Weight; temperature?: number | undefined },
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

/** Options of {@link attentionTerm}. */
export interface AttentionTermOptions extends AttentionTransferOptions {
  /** The weight, beta. */
  readonly weight: Weight;
  /** The groups that are compared, from 0. Default: all of the student's. */
  readonly taps?: readonly number[] | undefined;
}

/**
 * Activation-based attention transfer, a loss a group: {@link attentionTransfer}. Without a teacher and with weight 0
 * there is none.
 */
export function attentionTerm({ weight, taps, ...options }: AttentionTermOptions): LossTerm {
  const name = "attention";
  const loss = (inputs: LossInputs): Tensor[] => {
    if (inputs.teacher === null && weight === 0) return [];
    return pairsOfTaps(inputs, { taps, loss: name }).map(({ student, teacher }) =>
      attentionTransfer(student, teacher, options)
    );
  };
  return { name, weight, loss };
}

/** Options of {@link activationTerm}. */
export interface ActivationTermOptions extends ActivationTransferOptions {
  /** The weight. */
  readonly weight: Weight;
  /** The groups that are compared, from 0. */
  readonly taps: readonly number[];
  /** The channels of each of the student's groups. */
  readonly student: readonly number[];
  /** The channels of each of the teacher's. */
  readonly teacher: readonly number[];
  /** Seed of the 1x1 convolutions. */
  readonly seed: number;
}

/**
 * Transfer of full activations, a loss a group: {@link activationTransfer}. Where the channels differ, a 1x1
 * convolution of the student's activations gives them the teacher's; it is trained with the student, and no part of it.
 */
export function activationTerm(
  { weight, taps, student, teacher, seed, ...options }: ActivationTermOptions,
): LossTerm {
  const name = "activations";
  const adapted = new Map(taps.flatMap((tap) => {
    const [from = 0, to = 0] = [student[tap], teacher[tap]];
    return from === to ? [] : [[tap, weightSpec(`adapt${tap}`, [to, from, 1, 1], { seed })]];
  }));
  return {
    name,
    weight,
    specs: [...adapted.values()],
    loss: (inputs) =>
      pairsOfTaps(inputs, { taps, loss: name }).map(({ tap, student, teacher }) => {
        const spec = adapted.get(tap);
        const own = spec === undefined ? student : conv2d(student, inputs.parameter(spec.name));
        return activationTransfer(own, teacher, options);
      }),
  };
}
