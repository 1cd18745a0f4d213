import type { StepResult } from "./step_result.ts";

/** What happens at a step with a number that is not finite, by the names that `--on_nonfinite` takes. */
export const ON_NONFINITE = ["stop", "skip"] as const;

/** What happens at a step with a number that is not finite: the training ends, or goes on without it. */
export type OnNonfinite = typeof ON_NONFINITE[number];

/** A training came to a step with a number that is not finite. Nothing has changed since the step before. */
export class NonFiniteError extends Error {
  /** Its name. */
  override name = "NonFiniteError";
  /** The step, from 0. */
  readonly step: number;
  /** The first tensor with such a number: `loss`, or the name of a running statistic or of a gradient's parameter. */
  readonly tensor: string;

  /**
   * Words what was found.
   *
   * @param result What the step came to.
   */
  constructor(result: StepResult & { readonly step: number; readonly fault: string }) {
    super(
      `Cannot make step ${result.step}: its loss, running statistics and gradients must be finite, found ${
        faultWords(result)
      }; lower the learning rate, or leave such steps out with --on_nonfinite skip`,
    );
    this.step = result.step;
    this.tensor = result.fault;
  }
}

/** Says what of a step is not finite: of the loss, its value and the terms that are not either. */
export function faultWords({ fault, loss, losses }: StepResult): string {
  if (fault !== "loss") return `${fault} not finite`;
  const terms = Object.entries(losses).filter(([, values]) => !values.every(Number.isFinite));
  const names = terms.map(([name]) => name).join(", ");
  return `loss ${loss}${names === "" ? "" : `, of ${names}`}`;
}
