import type { Gpu } from "../../gpu/device.ts";
import type { Geometry } from "./geometry.ts";
import { plainForward, plainInputGradient, plainWeightGradient } from "./plain.ts";
import { rowsForward, rowsInputGradient, rowsWeightGradient } from "./rows.ts";
import type { ForwardJob, InputGradientJob, Variant, WeightGradientJob } from "./variant.ts";

/** The ways to run a forward pass, the plain one, which always fits and suits, last. */
export const FORWARD: readonly Variant<ForwardJob>[] = [rowsForward, plainForward];

/** The ways to compute an input gradient, likewise. */
export const INPUT_GRADIENT: readonly Variant<InputGradientJob>[] = [
  rowsInputGradient,
  plainInputGradient,
];

/** The ways to compute a weight gradient, likewise. */
export const WEIGHT_GRADIENT: readonly Variant<WeightGradientJob>[] = [
  rowsWeightGradient,
  plainWeightGradient,
];

/** Runs the first variant that suits. */
export function runVariant<Job extends { readonly geometry: Geometry }>(
  gpu: Gpu,
  { variants, job }: { variants: readonly Variant<Job>[]; job: Job },
): void {
  const { geometry } = job;
  variants.find((variant) => variant.fits(gpu, geometry) && variant.suits(gpu, geometry))?.run(job);
}
