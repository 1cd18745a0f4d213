import type { LossTerm } from "../../lib/losses/loss_term.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { mean } from "../../lib/ops/sum.ts";

/** A loss with parameters of its own, all 1 at first: the mean square of the logits, each times its factor. */
export function scaledLogits({ weight, classes }: { weight: number; classes: number }): LossTerm {
  return {
    name: "scaled",
    weight,
    specs: [{
      name: "factor",
      shape: [classes],
      trainable: true,
      initialise: () => new Float32Array(classes).fill(1),
    }],
    loss({ student: { logits }, parameter }) {
      const factors = broadcast(parameter("factor"), logits.shape, { keep: "channels" });
      const scaled = multiply(logits, factors);
      return mean(multiply(scaled, scaled));
    },
  };
}
