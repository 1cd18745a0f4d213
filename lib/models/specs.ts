import type { ParameterSpec } from "../weights/parameter_set.ts";
import { constant, heNormal, uniform } from "./initialise.ts";

/** How the parameters of a network start. */
export interface Start {
  /** Seed of the random ones. */
  readonly seed: number;
}

/**
 * Weights of a convolution or a linear layer, normal by fan-in.
 *
 * @param shape OIHW, or `[outputs, inputs]`.
 */
export function weightSpec(name: string, shape: number[], { seed }: Start): ParameterSpec {
  return { name, shape, trainable: true, initialise: () => heNormal(shape, { name, seed }) };
}

/** A bias that starts at zero, `[channels]`. */
export function biasSpec(name: string, channels: number): ParameterSpec {
  return filled(name, { channels, value: 0, trainable: true });
}

/** The scale of a normalisation, `[channels]`, uniform in 0 to 1. */
export function scaleSpec(name: string, channels: number, { seed }: Start): ParameterSpec {
  const shape = [channels];
  return { name, shape, trainable: true, initialise: () => uniform(shape, { name, seed }) };
}

/** Scale, shift and running statistics of a batch normalisation; the scale starts uniform in 0 to 1. */
export function normSpecs(name: string, channels: number, start: Start): ParameterSpec[] {
  return [
    scaleSpec(`${name}.weight`, channels, start),
    biasSpec(`${name}.bias`, channels),
    filled(`${name}.running_mean`, { channels, value: 0, trainable: false }),
    filled(`${name}.running_var`, { channels, value: 1, trainable: false }),
  ];
}

function filled(
  name: string,
  { channels, value, trainable }: { channels: number; value: number; trainable: boolean },
): ParameterSpec {
  return { name, shape: [channels], trainable, initialise: () => constant([channels], value) };
}
