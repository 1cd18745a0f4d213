import type { Tensor } from "../gpu/tensor.ts";
import type { ParameterSet } from "../weights/parameter_set.ts";
import type { Activations } from "./activations.ts";

/** How a network is applied. */
export interface ApplyOptions {
  /** Whether batch normalisation uses the batch's statistics and moves the running ones towards them. */
  readonly training: boolean;
  /** How far the running statistics move in training; 0 leaves them. Default: 0.1. */
  readonly momentum?: number;
}

/** A network: its parameters, and the function that they belong to. */
export interface Model extends Disposable {
  /** What it is, such as `WRN-16-2`. */
  readonly name: string;
  /** Its number of outputs. */
  readonly classes: number;
  /** Parameters and running statistics. */
  readonly parameters: ParameterSet;
  /** The channels of each tap. */
  readonly tapChannels: readonly number[];
  /**
   * Computes logits and taps.
   *
   * @param x Images, `[batch, height, width, 3]`.
   */
  apply(x: Tensor, options: ApplyOptions): Activations;
  /**
   * The network as it is now, to evaluate only: what normalises right after a convolution is folded into its weights.
   * It shares the parameters that stay, so these must not change while it is in use; disposing of it leaves them.
   * Left out where nothing can be folded.
   */
  freeze?(): FrozenModel;
}

/** A network to evaluate only. */
export interface FrozenModel extends Disposable {
  /** Computes logits and taps of images, `[batch, height, width, 3]`. */
  apply(x: Tensor): Activations;
}

/** A network with its normalisations folded, where it can be done; as it is otherwise. */
export function freeze(model: Model): FrozenModel {
  return model.freeze?.() ?? {
    apply: (x) => model.apply(x, { training: false }),
    [Symbol.dispose]: () => {},
  };
}
