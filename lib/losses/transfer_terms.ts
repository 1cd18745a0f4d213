import type { AttentionTransferOptions } from "./attention_transfer.ts";
import type { LossTerm, Weight } from "./loss_term.ts";
import { attentionTerm, crossEntropyTerm, distillationTerm } from "./terms.ts";

/** Weights of the parts of {@link transferTerms}. */
export interface TransferWeights extends AttentionTransferOptions {
  /** Weight of the distillation; the cross-entropy weighs 1 - alpha. Default: 0. */
  readonly alpha?: Weight;
  /** Weight of the sum of the groups' attention losses. Default: 0. */
  readonly beta?: Weight;
  /** The groups whose attention is transferred, from 0. Default: all of them. */
  readonly taps?: readonly number[] | undefined;
  /** Temperature of the distillation. Default: 4. */
  readonly temperature?: number | undefined;
}

/**
 * The original's objective, `(1 - alpha) CE + alpha T^2 KL + beta sum_j AT_j`, each a mean over the batch: the terms
 * {@link crossEntropyTerm}, {@link distillationTerm} and {@link attentionTerm}. With a teacher the attention losses are
 * computed even where beta is 0, so that they can be watched.
 *
 * @example
 * ```ts
 * import { Gpu, Objective, transferTerms } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * using objective = new Objective(gpu, transferTerms({ alpha: 0.9, beta: 1000 }));
 * const names = objective.terms.map(({ name }) => name);
 * assert.deepEqual(names, ["cross_entropy", "distillation", "attention"]);
 * ```
 */
export function transferTerms(
  { alpha = 0, beta = 0, temperature, ...attention }: TransferWeights = {},
): LossTerm[] {
  return [
    crossEntropyTerm({ weight: complement(alpha) }),
    ...(alpha === 0 ? [] : [distillationTerm({ weight: alpha, temperature })]),
    attentionTerm({ weight: beta, ...attention }),
  ];
}

function complement(alpha: Weight): Weight {
  return typeof alpha === "number" ? 1 - alpha : (epoch) => 1 - alpha(epoch);
}
