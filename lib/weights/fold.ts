import { type FileTensor, fileTensor, floats } from "./file_tensor.ts";

/** A batch normalisation as a file holds it, each `[channels]`. */
export interface NormTensors {
  /** Scale. */
  readonly weight: FileTensor;
  /** Shift. */
  readonly bias: FileTensor;
  /** Running mean. */
  readonly mean: FileTensor;
  /** Running variance. */
  readonly variance: FileTensor;
}

/** A convolution with what follows it: a bias, or a batch normalisation, or neither. */
export interface ConvTensors {
  /** Weights, OIHW. */
  readonly weight: FileTensor;
  /** Bias, `[outputs]`. */
  readonly bias?: FileTensor;
  /** Batch normalisation. */
  readonly norm?: NormTensors;
}

const EPSILON = 1e-5;

function filled(value: number, shape: readonly number[]): FileTensor {
  return fileTensor(new Float32Array(shape[0] ?? 0).fill(value), shape);
}

/**
 * Folds a batch normalisation, as it computes when a network is evaluated, into the convolution before it:
 * `w' = w * scale / sqrt(variance + 1e-5)`, `b' = shift + (b - mean) * scale / sqrt(variance + 1e-5)`, in float64.
 *
 * @param conv The convolution; one without normalisation is returned as it is.
 * @param action What the numbers are wanted for, as it follows "Cannot" in an error.
 * @returns A convolution with a bias and no normalisation, in float32.
 * @throws {TypeError} If the tensors are not of real numbers.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { floats } from "./file_tensor.ts";
 *
 * const tensor = (value: number, shape: number[]) =>
 *   ({ dtype: "F32", shape, data: new Uint8Array(new Float32Array([value]).buffer) }) as const;
 * const [weight, bias, mean] = [tensor(6, [1]), tensor(1, [1]), tensor(2, [1])];
 * const norm = { weight, bias, mean, variance: tensor(9 - 1e-5, [1]) };
 * const folded = foldNorm({ weight: tensor(5, [1, 1, 1, 1]), norm }, "fold conv0");
 * assert.ok(Math.abs((floats(folded.weight, "read")[0] ?? 0) - 10) < 1e-5);
 * ```
 */
export function foldNorm(
  conv: ConvTensors,
  action: string,
): { readonly weight: FileTensor; readonly bias?: FileTensor } {
  const { weight, bias, norm } = conv;
  if (norm === undefined) return bias === undefined ? { weight } : { weight, bias };
  const read = (tensor: FileTensor) => floats(tensor, action);
  const [scale, shift, mean] = [read(norm.weight), read(norm.bias), read(norm.mean)];
  const factors = Float64Array.from(
    read(norm.variance),
    (variance, channel) => (scale[channel] ?? 0) / Math.sqrt(variance + EPSILON),
  );
  const before = bias === undefined ? new Float32Array(factors.length) : read(bias);
  const values = read(weight);
  const perOutput = values.length / factors.length;
  const folded = values.map((value, at) => value * (factors[Math.floor(at / perOutput)] ?? 0));
  const shifted = Float32Array.from(
    factors,
    (factor, channel) =>
      (shift[channel] ?? 0) + ((before[channel] ?? 0) - (mean[channel] ?? 0)) * factor,
  );
  return { weight: fileTensor(folded, weight.shape), bias: fileTensor(shifted, [shifted.length]) };
}

/**
 * The batch normalisation that only adds a bias when a network is evaluated.
 *
 * @param channels Their number.
 * @param bias The bias, none for zero.
 */
export function biasNorm(channels: number, bias?: FileTensor): NormTensors {
  return {
    weight: filled(1, [channels]),
    bias: bias ?? filled(0, [channels]),
    mean: filled(0, [channels]),
    variance: filled(1 - EPSILON, [channels]),
  };
}
