/** Mean and biased variance of each channel. */
export interface Statistics {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** Mean and biased variance over all rows of `[rows, channels]`, in float64. */
export function statisticsOf(x: Float64Array, channels: number): Statistics {
  const rows = x.length / channels;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    let total = 0;
    for (let at = c; at < x.length; at += channels) total += x[at] ?? NaN;
    let squares = 0;
    for (let at = c; at < x.length; at += channels) squares += ((x[at] ?? NaN) - total / rows) ** 2;
    mean[c] = total / rows;
    variance[c] = squares / rows;
  }
  return { mean, variance };
}

/** (x - mean) / sqrt(variance + epsilon) * weight + bias, with the batch's statistics unless others are given. */
export function normalise(
  { x, weight, bias }: { x: Float64Array; weight: Float64Array; bias: Float64Array },
  { epsilon = 1e-5, statistics = statisticsOf(x, weight.length) }: {
    epsilon?: number;
    statistics?: Statistics;
  } = {},
): Float64Array {
  const { mean, variance } = statistics;
  return x.map((value, at) => {
    const c = at % weight.length;
    const centred = value - (mean[c] ?? NaN);
    return centred / Math.sqrt((variance[c] ?? NaN) + epsilon) * (weight[c] ?? NaN) +
      (bias[c] ?? NaN);
  });
}
