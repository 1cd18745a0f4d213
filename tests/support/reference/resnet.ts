import { type Activation, classified, type Shaped } from "./activation.ts";
import { normalise } from "./batch_norm.ts";
import { convolve, convolvedShape } from "./conv2d.ts";
import { pool, pooledShape } from "./pool2d.ts";

/**
 * A ResNet of basic blocks in evaluation, in float64: conv 7x7/2, max pool 3/2, four groups of blocks, mean, linear.
 * Where the weights have a bias beside a convolution, that is added; where they have a batch norm of its number, that
 * is applied. Weights are HWIO.
 *
 * @returns The outputs of the groups, then the logits.
 */
export function evaluateResNet(
  images: Float64Array,
  { weights, sizes, x }: {
    weights: ReadonlyMap<string, Float64Array>;
    sizes: { blocks: readonly number[]; widths: readonly number[]; stem: number };
    x: Activation["shape"];
  },
): Shaped[] {
  const get = (name: string) => weights.get(name) ?? new Float64Array();
  const isFolded = weights.has("conv0.weight");
  const conv = (
    input: Activation,
    name: string,
    { side, outputs, stride, padding }: {
      side: number;
      outputs: number;
      stride: number;
      padding: number;
    },
  ): Activation => {
    const w = [side, side, input.shape[3], outputs] as const;
    const geometry = { x: input.shape, w, stride, padding };
    const shape = convolvedShape(geometry);
    const bias = weights.get(`${name}.bias`);
    const kernel = get(isFolded ? `${name}.weight` : name);
    const values = convolve(
      { x: input.values, w: kernel, ...(bias === undefined ? {} : { b: bias }) },
      geometry,
    );
    const norm = name.replace("conv", "bn");
    if (!weights.has(`${norm}.weight`)) return { values, shape };
    const statistics = {
      mean: get(`${norm}.running_mean`),
      variance: get(`${norm}.running_var`),
    };
    const [weight, shift] = [get(`${norm}.weight`), get(`${norm}.bias`)];
    return { values: normalise({ x: values, weight, bias: shift }, { statistics }), shape };
  };
  const relu = ({ values, shape }: Activation): Activation => ({
    values: values.map((value) => Math.max(value, 0)),
    shape,
  });
  const stem = relu(
    conv({ values: images, shape: x }, "conv0", {
      side: 7,
      outputs: sizes.stem,
      stride: 2,
      padding: 3,
    }),
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
      const first = relu(conv(y, `${name}.conv0`, { side: 3, outputs, stride, padding: 1 }));
      const z = conv(first, `${name}.conv1`, { side: 3, outputs, stride: 1, padding: 1 });
      const shortcut = `${name}.${isFolded ? "conv_dim" : "convdim"}`;
      const beside = weights.has(isFolded ? `${shortcut}.weight` : shortcut)
        ? conv(y, shortcut, { side: 1, outputs, stride, padding: 0 })
        : y;
      const sums = z.values.map((value, i) => value + (beside.values[i] ?? NaN));
      y = relu({ values: sums, shape: z.shape });
    }
    return y;
  });
  return [...taps, classified(y, { weight: get("fc.weight"), bias: get("fc.bias") })];
}
