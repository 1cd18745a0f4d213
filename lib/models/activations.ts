import type { Tensor } from "../gpu/tensor.ts";

/** What a network makes of a batch, and losses compare. */
export interface Activations {
  /** `[batch, classes]`. */
  readonly logits: Tensor;
  /** The raw outputs of the groups, that attention is taken from, `[batch, height, width, channels]` each. */
  readonly taps: readonly Tensor[];
}
