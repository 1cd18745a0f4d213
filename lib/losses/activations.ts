import type { Tensor } from "../gpu/tensor.ts";

/** What a network makes of a batch, and losses compare. */
export interface Activations {
  /** `[batch, classes]`. */
  readonly logits: Tensor;
  /** The raw outputs of the groups, that attention is taken from, `[batch, height, width, channels]` each. */
  readonly taps: readonly Tensor[];
}

/** What a loss is computed from. */
export interface LossInputs {
  /** The network that learns. */
  readonly student: Activations;
  /** The network that it learns from, `null` without one. */
  readonly teacher: Activations | null;
  /** Class numbers, u32, `[batch]`. */
  readonly labels: Tensor;
}

/** A training loss and the parts of it that are logged; all are scalars. */
export interface Loss {
  /** What is minimised. */
  readonly total: Tensor;
  /** The cross-entropy against the labels alone. */
  readonly crossEntropy: Tensor;
  /** The unweighted attention-transfer loss of each group, empty without a teacher. */
  readonly attention: readonly Tensor[];
}

/** A training objective: scalars from activations, made of ops. */
export type LossFunction = (inputs: LossInputs) => Loss;
