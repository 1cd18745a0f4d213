import type { Tensor } from "../gpu/tensor.ts";
import type { Activations } from "../models/activations.ts";
import type { ParameterSpec } from "../weights/parameter_set.ts";

/** What a loss is computed from: a batch, and what the networks make of it. */
export interface LossInputs {
  /** The normalised images, `[batch, height, width, 3]`; gradients can be asked for with respect to them. */
  readonly images: Tensor;
  /** Class numbers, u32, `[batch]`. */
  readonly labels: Tensor;
  /** The network that learns. */
  readonly student: Activations;
  /** The network that it learns from, `null` without one. */
  readonly teacher: Activations | null;
  /** Applies the network that learns to other images, as it was applied to the batch; its running statistics stay. */
  apply(images: Tensor): Activations;
  /** A parameter of the term's own, by the name in its {@link LossTerm.specs}. */
  parameter(name: string): Tensor;
}

/** A weight: a number, or a function of the epoch, from 1. */
export type Weight = number | ((epoch: number) => number);

/** One term of a training objective, which is the sum of its terms times their weights. */
export interface LossTerm {
  /** What logs call it; each term of an objective has a name of its own. */
  readonly name: string;
  /** What it is multiplied by. A term of weight 0 is computed and logged, and not learned from. */
  readonly weight: Weight;
  /** Parameters of its own, which are trained with the network and saved in checkpoints alone. Default: none. */
  readonly specs?: readonly ParameterSpec[];
  /** Whether it takes gradients, so that it is left out where a network is evaluated. Default: false. */
  readonly takesGradients?: boolean;
  /**
   * Computes it.
   *
   * @returns A scalar, or several, such as one a group, which are added up. Of no scalars there is nothing to learn.
   */
  loss(inputs: LossInputs): Tensor | readonly Tensor[];
}
