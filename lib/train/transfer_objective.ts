import { gradientTerm, smallGradientTerm, symmetryTerm } from "../losses/gradient_terms.ts";
import type { LossTerm, Weight } from "../losses/loss_term.ts";
import { activationTerm } from "../losses/terms.ts";
import { transferTerms } from "../losses/transfer_terms.ts";
import { decay } from "../optim/decay.ts";
import type { Networks } from "./run_kind.ts";
import type { RunSettings } from "./settings/run_settings.ts";
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
): Pick<StepOptions, "objective" | "statistics"> {
  const { beta_from_epoch: from, map, map_norm: norm, map_resize: resize, at_form: form } =
    settings;
  const taps = tapsOf(settings.taps, networks);
  const beta = decayed(settings.beta, { by: settings.beta_decay, settings });
  const gradients = gradientTerms(settings);
  const bothBy = settings.grad_bn === "train" ? "batch" : "running";
  return {
    objective: [
      ...transferTerms({
        alpha: decayed(settings.alpha, { by: settings.alpha_decay, settings }),
        beta: from === 1 ? beta : (epoch) => epoch < from ? 0 : valueAt(beta, epoch),
        temperature: settings.temperature,
        taps,
        map,
        norm,
        resize,
        form,
      }),
      ...activationTerms(settings, { networks, taps }),
      ...gradients,
    ],
    ...(gradients.length === 0 ? {} : { statistics: { student: bothBy, teacher: bothBy } }),
  };
}

function activationTerms(
  settings: Readonly<RunSettings>,
  { networks: { model, teacher }, taps }: { networks: Networks; taps: readonly number[] },
): LossTerm[] {
  const { fact_beta, beta_decay, at_form: form, seed } = settings;
  if (fact_beta === 0 || teacher === null) return [];
  const weight = decayed(fact_beta, { by: beta_decay, settings });
  const [student, taught] = [model.tapChannels, teacher.tapChannels];
  return [activationTerm({ weight, taps, student, teacher: taught, seed, form })];
}

function gradientTerms(settings: Readonly<RunSettings>): LossTerm[] {
  const { grad_beta, min_l2_beta, symmetry_beta, grad_distance: distance } = settings;
  return [
    gradientTerm({ weight: grad_beta, distance }),
    smallGradientTerm({ weight: min_l2_beta, distance }),
    symmetryTerm({ weight: symmetry_beta, distance }),
  ].filter(({ weight }) => weight !== 0);
}

/** A weight that falls over the epochs; a number where it does not. */
function decayed(
  weight: number,
  { by, settings: { epochs } }: { by: string; settings: Pick<RunSettings, "epochs"> },
): Weight {
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
  for (const { name, tapChannels: { length } } of [model, teacher]) {
    const missing = asked.find((tap) => tap >= length);
    if (missing === undefined) continue;
    throw new RangeError(
      `Cannot train: --taps must be groups of both networks, found ${missing}, and ${name} has ${length} groups, from 0`,
    );
  }
  return asked;
}
