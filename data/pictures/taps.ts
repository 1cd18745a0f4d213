/** The weighted sums that resize one axis: of each output the first input, and `taps` weights from there on. */
export interface Taps {
  /** Weights of an output. */
  readonly taps: number;
  /** The first input of each output; `taps` inputs from there on exist. */
  readonly first: Int32Array;
  /** The weights, `[outputs, taps]`, whole numbers of 2^-22. */
  readonly weights: Int32Array;
}

/** The weight one, in fixed point. */
const ONE = 2 ** 22;

/**
 * Computes the weights of PIL's `BILINEAR` resize: a triangle as wide as the reduction, in fixed point.
 *
 * @param input Inputs of the axis.
 * @param options.output Outputs of the axis.
 * @param options.from Where the resized part begins, in inputs. Default: 0.
 * @param options.length The inputs of the resized part. Default: all.
 * @param options.begin The first output that is wanted. Default: 0.
 * @param options.count How many are wanted. Default: all.
 * @returns The sums of the wanted outputs, padded with zero weights to the same number of taps, two at least where
 * there are two inputs.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const { first, taps, weights } = bilinearTaps(4, { output: 2 });
 * assert.deepEqual([...first, taps], [0, 1, 3]);
 * assert.ok(Math.abs(weights.slice(0, 3).reduce((a, b) => a + b) - 2 ** 22) <= 1);
 * ```
 */
export function bilinearTaps(
  input: number,
  { output, from = 0, length = input, begin = 0, count = output }: {
    output: number;
    from?: number;
    length?: number;
    begin?: number;
    count?: number;
  },
): Taps {
  const scale = length / output;
  const support = Math.max(1, scale);
  const startOf = (centre: number) => Math.max(0, Math.trunc(centre - support + 0.5));
  const endOf = (centre: number) => Math.min(input, Math.trunc(centre + support + 0.5));
  const centreOf = (at: number) => from + (begin + at + 0.5) * scale;
  let most = 2;
  for (let at = 0; at < count; at++) {
    const centre = centreOf(at);
    most = Math.max(most, endOf(centre) - startOf(centre));
  }
  const taps = Math.min(input, most);
  const first = new Int32Array(count);
  const weights = new Int32Array(count * taps);
  const sum = new Float64Array(taps);
  for (let at = 0; at < count; at++) {
    const centre = centreOf(at);
    const start = startOf(centre);
    const length = endOf(centre) - start;
    let total = 0;
    for (let tap = 0; tap < length; tap++) {
      const weight = Math.max(0, 1 - Math.abs((start + tap - centre + 0.5) / support));
      sum[tap] = weight;
      total += weight;
    }
    const place = Math.min(start, input - taps);
    first[at] = place;
    const to = at * taps + start - place;
    for (let tap = 0; tap < length; tap++) {
      weights[to + tap] = Math.trunc(0.5 + (sum[tap] ?? 0) / total * ONE);
    }
  }
  return { taps, first, weights };
}
