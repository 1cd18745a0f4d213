/** What a network's layer puts out: numbers in float64, `[n, height, width, channels]`. */
export interface Activation {
  readonly values: Float64Array;
  readonly shape: readonly [number, number, number, number];
}

/** Numbers and their shape. */
export interface Shaped {
  readonly values: Float64Array;
  readonly shape: readonly number[];
}

/** The logits of a network: the mean of each channel over the image, then a linear layer, `[channels, classes]`. */
export function classified(
  { values, shape: [n, height, width, channels] }: Activation,
  { weight, bias }: { weight: Float64Array; bias: Float64Array },
): Shaped {
  const classes = bias.length;
  const pixels = height * width;
  const logits = Float64Array.from({ length: n * classes }, (_, at) => {
    const [image, label] = [Math.floor(at / classes), at % classes];
    let total = bias[label] ?? NaN;
    for (let i = 0; i < pixels * channels; i++) {
      const feature = (values[image * pixels * channels + i] ?? NaN) / pixels;
      total += feature * (weight[i % channels * classes + label] ?? NaN);
    }
    return total;
  });
  return { values: logits, shape: [n, classes] };
}
