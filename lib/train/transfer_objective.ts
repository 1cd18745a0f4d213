import type { Weight } from "../losses/loss_term.ts";
import { transferTerms } from "../losses/transfer_terms.ts";
import { decay } from "../optim/decay.ts";
import type { Networks } from "./run_kind.ts";
import type { RunSettings } from "./run_settings.ts";
import type { StepOptions } from "./step_options.ts";

/**
 * Makes what the settings of a run say of its objective.
 *
 * @param settings The settings, checked.
 * @param networks Who takes part.
 * @throws {RangeError} If a network does not have a group that is compared.
 */
export function transferObjective(
  settings: Readonly<RunSettings>,
  networks: Networks,
): Pick<StepOptions, "objective"> {
  const { alpha, alpha_decay, beta_decay, beta_from_epoch: from, temperature, epochs } = settings;
  const taps = tapsOf(settings.taps, networks);
  const beta = decayed(settings.beta, { by: beta_decay, epochs });
  return {
    objective: transferTerms({
      alpha: decayed(alpha, { by: alpha_decay, epochs }),
      beta: from === 1 ? beta : (epoch) => epoch < from ? 0 : valueAt(beta, epoch),
      temperature,
      taps,
    }),
  };
}

/** A weight that falls over the epochs; a number where it does not. */
function decayed(weight: number, { by, epochs }: { by: string; epochs: number }): Weight {
  if (weight === 0 || by === "none") return weight;
  const factor = decay(by);
  return (epoch) => weight * factor(epoch, epochs);
}

function valueAt(weight: Weight, epoch: number): number {
  return typeof weight === "number" ? weight : weight(epoch);
}

/** The groups that are compared: those asked for, which both networks must have, or all of the student's. */
function tapsOf(taps: readonly number[] | null, { model, teacher }: Networks): readonly number[] {
  const asked = taps ?? model.tapChannels.map((_, tap) => tap);
  if (teacher === null) return asked;
  for (const { name, tapChannels } of [model, teacher]) {
    const missing = asked.find((tap) => tap >= tapChannels.length);
    if (missing === undefined) continue;
    throw new RangeError(
      `Cannot train: --taps must be groups of both networks, found ${missing}, and ${name} has groups 0 to ${
        tapChannels.length - 1
      }`,
    );
  }
  return asked;
}
