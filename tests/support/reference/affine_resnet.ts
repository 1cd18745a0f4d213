import { type Activation, classified, type Shaped } from "./activation.ts";
import { convolve, convolvedShape } from "./conv2d.ts";
import { pool, pooledShape } from "./pool2d.ts";

/**
 * A pre-activation ResNet of basic blocks with scales and shifts, in float64, the names those of the published export.
 * Weights are HWIO.
 *
 * @returns The outputs of the groups, then the logits.
 */
export function evaluateAffineResNet(
  images: Float64Array,
  { weights, sizes, x }: {
    weights: ReadonlyMap<string, Float64Array>;
    sizes: { blocks: readonly number[]; widths: readonly number[]; stem: number };
    x: Activation["shape"];
  },
): Shaped[] {
  const get = (name: string) => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`Cannot find ${name}`);
    return found;
  };
  const conv = (
    { values, shape }: Activation,
    name: string,
    { side, outputs, stride }: { side: number; outputs: number; stride: number },
  ): Activation => {
    const w = [side, side, shape[3], outputs] as const;
    const geometry = { x: shape, w, stride, padding: (side - 1) / 2 };
    return {
      values: convolve({ x: values, w: get(name) }, geometry),
      shape: convolvedShape(geometry),
    };
  };
  const active = ({ values, shape }: Activation, name: string): Activation => {
    const [a, b] = [get(`${name}.a`), get(`${name}.b`)];
    const scaled = (value: number, at: number) =>
      (a[at % shape[3]] ?? NaN) * value + (b[at % shape[3]] ?? NaN);
    return { values: values.map((value, at) => Math.max(0, scaled(value, at))), shape };
  };
  const stem = active(
    conv({ values: images, shape: x }, "conv0", { side: 7, outputs: sizes.stem, stride: 2 }),
    "affine0",
  );
  const window = { x: stem.shape, size: 3, stride: 2, padding: 1 };
  let y: Activation = {
    values: pool(stem.values, window, (values) => Math.max(...values)),
    shape: pooledShape(window),
  };
  const taps = sizes.widths.map((outputs, group) => {
    for (let at = 0; at < (sizes.blocks[group] ?? 0); at++) {
      const name = `group${group}.block${at}`;
      const stride = group > 0 && at === 0 ? 2 : 1;
      const o = group + at === 0 ? y : active(y, `${name}.affine0`);
      const first = conv(o, `${name}.conv0`, { side: 3, outputs, stride });
      const z = conv(active(first, `${name}.affine1`), `${name}.conv1`, {
        side: 3,
        outputs,
        stride: 1,
      });
      const shortcut = weights.has(`${name}.conv_dim`)
        ? conv(o, `${name}.conv_dim`, { side: 1, outputs, stride })
        : y;
      y = {
        values: z.values.map((value, i) => value + (shortcut.values[i] ?? NaN)),
        shape: z.shape,
      };
    }
    return y;
  });
  const last = active(y, "affine_last");
  return [...taps, classified(last, { weight: get("fc.weight"), bias: get("fc.bias") })];
}
