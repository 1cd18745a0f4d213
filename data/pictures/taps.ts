/** The weighted sums that resize one axis: of each output the first input, and `taps` weights from there on. */
export interface Taps {
  /** Weights of an output. */
  readonly taps: number;
  /** The first input of each output; `taps` inputs from there on exist. */
  readonly first: Int32Array;
  /** The weights, `[outputs, taps]`, whole numbers of 2^-22. */
  readonly weights: Int32Array;
}

/** Bits behind the point of a weight. */
export const WEIGHT_BITS = 22;

/**
 * Computes the weights of PIL's `BILINEAR` resize: a triangle as wide as the reduction, in fixed point.
 *
 * @param input Inputs of the axis.
 * @param options.output Outputs of the axis.
 * @param options.from Where the resized part begins, in inputs; 0 unless told.
 * @param options.length The inputs of the resized part; all unless told.
 * @param options.begin The first output that is wanted; 0 unless told.
 * @param options.count How many are wanted; all unless told.
 * @returns The sums of the wanted outputs, padded with zero weights to the same even number of taps where the axis
 * has room.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const { first, taps, weights } = bilinearTaps(4, { output: 2 });
 * assert.deepEqual([...first, taps], [0, 0, 4]);
 * assert.equal(weights.slice(0, 4).reduce((a, b) => a + b), 2 ** 22);
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
  const starts = new Int32Array(count);
  const sums: number[][] = [];
  for (let at = 0; at < count; at++) {
    const centre = from + (begin + at + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(input, Math.trunc(centre + support + 0.5));
    const sum: number[] = [];
    for (let place = start; place < end; place++) {
      sum.push(Math.max(0, 1 - Math.abs((place - centre + 0.5) / support)));
    }
    const inverse = 1 / sum.reduce((a, b) => a + b, 0);
    starts[at] = start;
    sums.push(sum.map((weight) => Math.trunc(0.5 + weight * inverse * 2 ** WEIGHT_BITS)));
  }
  const most = sums.reduce((most, sum) => Math.max(most, sum.length), 1);
  const taps = Math.min(input, most + most % 2);
  const first = starts.map((start) => Math.min(start, input - taps));
  const weights = new Int32Array(count * taps);
  sums.forEach((sum, at) => weights.set(sum, at * taps + (starts[at] ?? 0) - (first[at] ?? 0)));
  return { taps, first, weights };
}
