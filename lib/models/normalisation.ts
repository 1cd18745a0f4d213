import type { BatchNormParameters } from "../ops/batch_norm.ts";
import type { ParameterSet } from "../weights/parameter_set.ts";

/**
 * The tensors of a batch normalisation.
 *
 * @param name What stands before `.weight`, `.bias`, `.running_mean` and `.running_var`.
 * @throws {RangeError} If there is no such normalisation.
 */
export function normalisationOf(parameters: ParameterSet, name: string): BatchNormParameters {
  return {
    weight: parameters.get(`${name}.weight`),
    bias: parameters.get(`${name}.bias`),
    runningMean: parameters.get(`${name}.running_mean`),
    runningVariance: parameters.get(`${name}.running_var`),
  };
}
