import { gemmForward, gemmInputGradient, gemmWeightGradient } from "./gemm.ts";
import { plainForward, plainInputGradient, plainWeightGradient } from "./plain.ts";
import {
  rowsForward,
  rowsInputGradient,
  rowsWeightGradient,
  winogradForward,
  winogradInputGradient,
} from "./rows.ts";
import { slideWeightGradient } from "./slide.ts";
import { stemInputGradient } from "./stem.ts";
import { stripsInputGradient } from "./strips.ts";
import { tapsWeightGradient } from "./taps.ts";
import type { ForwardJob, InputGradientJob, Variant, WeightGradientJob } from "./variant.ts";

/** The ways to run a forward pass, the plain one, which always fits and suits, last. */
export const FORWARD: readonly Variant<ForwardJob>[] = [
  winogradForward,
  rowsForward,
  ...gemmForward,
  plainForward,
];

/** The ways to compute an input gradient, likewise. */
export const INPUT_GRADIENT: readonly Variant<InputGradientJob>[] = [
  stemInputGradient,
  stripsInputGradient,
  winogradInputGradient,
  rowsInputGradient,
  ...gemmInputGradient,
  plainInputGradient,
];

/** The ways to compute a weight gradient, likewise. */
export const WEIGHT_GRADIENT: readonly Variant<WeightGradientJob>[] = [
  tapsWeightGradient,
  rowsWeightGradient,
  slideWeightGradient,
  ...gemmWeightGradient,
  plainWeightGradient,
];
