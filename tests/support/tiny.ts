import type { Gpu } from "../../lib/gpu/device.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { constant, heNormal } from "../../lib/models/initialise.ts";
import type { ApplyOptions, Model } from "../../lib/models/model.ts";
import { globalAvgPool2d } from "../../lib/ops/global_avg_pool2d.ts";
import { batchNorm } from "../../lib/ops/batch_norm.ts";
import { conv2d } from "../../lib/ops/conv2d.ts";
import { linear } from "../../lib/ops/linear.ts";
import { relu } from "../../lib/ops/relu.ts";
import type { Images, ImageSet } from "../../lib/train/image_set.ts";
import { ParameterSet, type ParameterSpec } from "../../lib/weights/parameter_set.ts";
import { formatSafetensors } from "../../lib/weights/safetensors.ts";
import { randomStream } from "./random.ts";

const SIZE = 8;
const CLASSES = 4;
const BIAS = 100;
const NOISE = 100;

function drawImages(count: number, seed: number): Images {
  const next = randomStream(seed);
  const labels = Uint8Array.from({ length: count }, () => CLASSES * next());
  const pixels = Uint8Array.from({ length: count * 3 * SIZE * SIZE }, (_, at) => {
    const label = labels[Math.floor(at / (3 * SIZE * SIZE))];
    const plane = Math.floor(at / (SIZE * SIZE)) % 3;
    return (plane === label ? BIAS : 0) + NOISE * next();
  });
  return { count, pixels, labels };
}

/** A set of 8x8 images of four classes, that the tint tells apart: a step on it takes milliseconds. */
export function tinySet(
  { train, test, seed = 1 }: { train: number; test: number; seed?: number },
): ImageSet {
  return {
    name: "tiny",
    classes: CLASSES,
    size: SIZE,
    mean: [80, 80, 80],
    std: [60, 60, 60],
    train: drawImages(train, seed),
    test: drawImages(test, seed + 1000),
  };
}

/** A network of two convolutions, each with a tap, for sets of {@link tinySet}. */
export function tinyModel(gpu: Gpu, { seed = 0, channels = 4, classes = CLASSES } = {}): Model {
  const weights = (name: string, shape: number[]): ParameterSpec => {
    return { name, shape, trainable: true, initialise: () => heNormal(shape, { name, seed }) };
  };
  const vector = (name: string, value: number, { size = channels, trainable = true } = {}) => {
    return { name, shape: [size], trainable, initialise: () => constant([size], value) };
  };
  const parameters = new ParameterSet(gpu, [
    weights("conv0", [channels, 3, 3, 3]),
    vector("bn.weight", 1),
    vector("bn.bias", 0),
    vector("bn.running_mean", 0, { trainable: false }),
    vector("bn.running_var", 1, { trainable: false }),
    weights("conv1", [channels, channels, 3, 3]),
    weights("fc.weight", [classes, channels]),
    vector("fc.bias", 0, { size: classes }),
  ]);
  return {
    name: "tiny",
    classes,
    parameters,
    tapChannels: [channels, channels],
    apply(x: Tensor, options: ApplyOptions) {
      const first = conv2d(x, parameters.get("conv0"), { padding: 1 });
      const normal = batchNorm(first, {
        weight: parameters.get("bn.weight"),
        bias: parameters.get("bn.bias"),
        runningMean: parameters.get("bn.running_mean"),
        runningVariance: parameters.get("bn.running_var"),
        ...options,
      });
      const second = conv2d(relu(normal), parameters.get("conv1"), { stride: 2, padding: 1 });
      const logits = linear(globalAvgPool2d(relu(second)), parameters.get("fc.weight"), {
        bias: parameters.get("fc.bias"),
      });
      return { logits, taps: [first, second] };
    },
    [Symbol.dispose]: () => parameters[Symbol.dispose](),
  };
}

/** Every bit of a network's parameters and statistics, as the file that it would be saved in. */
export async function weightsOf(model: Model): Promise<Uint8Array> {
  return formatSafetensors(await model.parameters.save());
}

/** A network of one linear layer, whose step is as cheap as can be. */
export function linearModel(gpu: Gpu): Model {
  const name = "fc.weight";
  const shape = [CLASSES, 3];
  const parameters = new ParameterSet(gpu, [
    { name, shape, trainable: true, initialise: () => heNormal(shape, { name, seed: 0 }) },
  ]);
  return {
    name: "linear",
    classes: CLASSES,
    parameters,
    tapChannels: [],
    apply: (x: Tensor) => ({
      logits: linear(globalAvgPool2d(x), parameters.get(name)),
      taps: [],
    }),
    [Symbol.dispose]: () => parameters[Symbol.dispose](),
  };
}
