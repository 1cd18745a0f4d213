import type { Tensor } from "../gpu/tensor.ts";
import type { Activations } from "../losses/activations.ts";
import type { ParameterSet } from "../weights/parameter_set.ts";

/** A network: its parameters, and the function that they belong to. */
export interface Model extends Disposable {
  /** What it is, such as `WRN-16-2`. */
  readonly name: string;
  /** Its number of outputs. */
  readonly classes: number;
  /** Parameters and running statistics. */
  readonly parameters: ParameterSet;
  /**
   * Computes logits and taps.
   *
   * @param x Images, `[batch, height, width, 3]`.
   * @param options.training Whether batch normalisation uses the batch's statistics and updates the running ones.
   */
  apply(x: Tensor, options: { training: boolean }): Activations;
}
