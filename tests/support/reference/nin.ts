import { type Activation, classified, type Shaped } from "./activation.ts";
import { normalise } from "./batch_norm.ts";
import { convolve, convolvedShape } from "./conv2d.ts";
import { pool, pooledShape } from "./pool2d.ts";

/** The sides of the kernels, by group. */
const SIDES = [[5, 1, 1], [5, 1, 1], [3, 1, 1]];

/** What decides which ReLUs open and which pixel of a window is the largest: the numbers before them. */
type Decisions = Float64Array[];

/**
 * A Network-in-Network in float64, the names those of the project. Where there is a bias beside a convolution it is
 * added, where there is a batch norm of its number it is applied, and a convolution that is called `proj` has no ReLU
 * behind it. Weights are HWIO.
 *
 * @param options.decisions Where given, the first evaluation fills it in, and the others open the ReLUs and choose the
 * maxima that it did, which makes a smooth function for finite differences.
 * @returns The outputs of the last convolution of each group, then the logits.
 */
export function evaluateNin(
  images: Float64Array,
  { weights, widths, x, training, decisions = [] }: {
    weights: ReadonlyMap<string, Float64Array>;
    widths: readonly (readonly number[])[];
    x: Activation["shape"];
    training: boolean;
    decisions?: Decisions;
  },
): Shaped[] {
  const get = (name: string) => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`Cannot find ${name}`);
    return found;
  };
  const replayed = decisions.length > 0;
  let decided = 0;
  const decide = (values: Float64Array) => {
    if (!replayed) decisions.push(values);
    return decisions[decided++] ?? values;
  };
  const conv = ({ values, shape }: Activation, name: string, side: number, outputs: number) => {
    const w = [side, side, shape[3], outputs] as const;
    const geometry = { x: shape, w, stride: 1, padding: (side - 1) / 2 };
    const bias = weights.get(`${name}.bias`);
    const kernel = get(bias === undefined ? name : `${name}.weight`);
    const added = bias === undefined ? {} : { b: bias };
    return {
      values: convolve({ x: values, w: kernel, ...added }, geometry),
      shape: convolvedShape(geometry),
    };
  };
  const norm = ({ values, shape }: Activation, name: string): Activation => {
    if (!weights.has(`${name}.weight`)) return { values, shape };
    const operands = { x: values, weight: get(`${name}.weight`), bias: get(`${name}.bias`) };
    const running = { mean: get(`${name}.running_mean`), variance: get(`${name}.running_var`) };
    return { values: normalise(operands, training ? {} : { statistics: running }), shape };
  };
  const relu = ({ values, shape }: Activation): Activation => {
    const deciding = decide(values);
    return { values: values.map((value, at) => (deciding[at] ?? NaN) > 0 ? value : 0), shape };
  };
  const pooled = ({ values, shape }: Activation, group: number): Activation => {
    const window = { x: shape, size: 3, stride: 2, padding: 0, ceil: true };
    const to = pooledShape(window);
    if (group > 0) {
      const mean = (inside: readonly number[], pixels: number) =>
        inside.reduce((sum, value) => sum + value, 0) / pixels;
      return { values: pool(values, window, mean), shape: to };
    }
    const places: number[] = [];
    pool(decide(values), window, (inside) => places.push(inside.indexOf(Math.max(...inside))));
    let at = 0;
    return {
      values: pool(values, window, (inside) => inside[places[at++] ?? 0] ?? NaN),
      shape: to,
    };
  };
  let y: Activation = { values: images, shape: x };
  const taps = widths.map((group, g) => {
    let tap = y;
    group.forEach((outputs, at) => {
      const number = 3 * g + at;
      const isLinear = weights.has(`proj${number}`) || weights.has(`proj${number}.weight`);
      tap = conv(y, `${isLinear ? "proj" : "conv"}${number}`, SIDES[g]?.[at] ?? 1, outputs);
      const normal = norm(tap, `bn${number}`);
      y = isLinear ? normal : relu(normal);
    });
    if (g < 2) y = pooled(y, g);
    return tap;
  });
  return [...taps, classified(y, { weight: get("fc.weight"), bias: get("fc.bias") })];
}
