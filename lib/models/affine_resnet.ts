import type { Gpu } from "../gpu/device.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { add } from "../ops/add.ts";
import { batchNorm } from "../ops/batch_norm.ts";
import { conv2d } from "../ops/conv2d.ts";
import { globalAvgPool2d } from "../ops/global_avg_pool2d.ts";
import { linear } from "../ops/linear.ts";
import { maxPool2d } from "../ops/max_pool2d.ts";
import { relu } from "../ops/relu.ts";
import { type Fixing, ParameterSet, type ParameterSpec } from "../weights/parameter_set.ts";
import type { Activations } from "./activations.ts";
import type { Model } from "./model.ts";
import { resNetBlocksOf, resNetName, type ResNetSizes, type SizedBlock } from "./resnet_sizes.ts";
import { biasSpec, scaleSpec, type Start, weightSpec } from "./specs.ts";

/** Options of {@link affineResNet}. */
export interface AffineResNetOptions extends ResNetSizes, Fixing {
  /** Seed of the initial weights. */
  readonly seed: number;
}

const EPSILON = 1e-5;

/**
 * A pre-activation ResNet of basic blocks ({@link https://arxiv.org/abs/1603.05027 | He et al. 2016}) whose batch
 * normalisations are scales `a` and shifts `b`, with the names of the published `resnet-18-at-export`. The first block
 * has no normalisation of its own, since the stem is activated; 1x1 shortcuts start from the activated input. Taps are
 * the raw outputs of the four groups.
 *
 * @throws {RangeError} If a size is not a whole number of at least one.
 * @example
 * ```ts
 * import { affineResNet, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * using model = affineResNet(gpu, {
 *   blocks: [1, 1, 1, 1],
 *   widths: [4, 4, 8, 8],
 *   stem: 4,
 *   classes: 10,
 *   seed: 0,
 * });
 * const { logits } = model.apply(gpu.zeros([1, 32, 32, 3]), { training: false });
 * assert.deepEqual(logits.shape, [1, 10]);
 * ```
 */
export function affineResNet(gpu: Gpu, { seed, fixed, ...sizes }: AffineResNetOptions): Model {
  const groups = resNetBlocksOf(sizes);
  const parameters = new ParameterSet(gpu, specsOf(groups, sizes, { seed }), { fixed });
  const statistics = statisticsOf(gpu, [sizes.stem, ...sizes.widths]);
  const affine = (x: Tensor, name: string) => {
    const { mean, variance } = statistics.of(x);
    return relu(batchNorm(x, {
      weight: parameters.get(`${name}.a`),
      bias: parameters.get(`${name}.b`),
      runningMean: mean,
      runningVariance: variance,
      training: false,
    }));
  };
  const block = (x: Tensor, { name, stride, hasShortcut }: SizedBlock) => {
    const active = parameters.has(`${name}.affine0.a`) ? affine(x, `${name}.affine0`) : x;
    const y = conv2d(active, parameters.get(`${name}.conv0`), { stride, padding: 1 });
    const z = conv2d(affine(y, `${name}.affine1`), parameters.get(`${name}.conv1`), { padding: 1 });
    return add(
      z,
      hasShortcut ? conv2d(active, parameters.get(`${name}.conv_dim`), { stride }) : x,
    );
  };
  return {
    name: `pre-activation ${resNetName(sizes)}`,
    classes: sizes.classes,
    parameters,
    tapChannels: sizes.widths,
    apply(x: Tensor): Activations {
      const stem = conv2d(x, parameters.get("conv0"), { stride: 2, padding: 3 });
      let y = maxPool2d(affine(stem, "affine0"), 3, { stride: 2, padding: 1 });
      const taps = groups.map((blocks) => {
        for (const sized of blocks) y = block(y, sized);
        return y;
      });
      const logits = linear(
        globalAvgPool2d(affine(y, "affine_last")),
        parameters.get("fc.weight"),
        { bias: parameters.get("fc.bias") },
      );
      return { logits, taps };
    },
    [Symbol.dispose]() {
      parameters[Symbol.dispose]();
      statistics[Symbol.dispose]();
    },
  };
}

/** A mean of 0 and a variance that makes a normalisation a scale and a shift, for each number of channels. */
function statisticsOf(gpu: Gpu, widths: readonly number[]) {
  const made = new Map([...new Set(widths)].map((channels) => {
    const variances = new Float32Array(channels).fill(1 - EPSILON);
    const mean = gpu.zeros([channels], { label: "mean 0" });
    return [channels, {
      mean,
      variance: gpu.tensor(variances, [channels], { label: "variance 1" }),
    }];
  }));
  return {
    of(x: Tensor) {
      const found = made.get(x.shape.at(-1) ?? 0);
      if (found === undefined) {
        throw new RangeError(`Cannot scale ${x.label}: no such number of channels was prepared`);
      }
      return found;
    },
    [Symbol.dispose]() {
      for (const { mean, variance } of made.values()) {
        mean[Symbol.dispose]();
        variance[Symbol.dispose]();
      }
    },
  };
}

function specsOf(
  groups: readonly (readonly SizedBlock[])[],
  { widths, stem, classes }: ResNetSizes,
  start: Start,
): ParameterSpec[] {
  const affine = (name: string, channels: number) => [
    scaleSpec(`${name}.a`, channels, start),
    biasSpec(`${name}.b`, channels),
  ];
  return [
    weightSpec("conv0", [stem, 3, 7, 7], start),
    ...affine("affine0", stem),
    ...groups.flat().flatMap((block, at) => {
      const { name, inputs, outputs, hasShortcut } = block;
      return [
        ...(at === 0 ? [] : affine(`${name}.affine0`, inputs)),
        weightSpec(`${name}.conv0`, [outputs, inputs, 3, 3], start),
        ...affine(`${name}.affine1`, outputs),
        weightSpec(`${name}.conv1`, [outputs, outputs, 3, 3], start),
        ...(hasShortcut ? [weightSpec(`${name}.conv_dim`, [outputs, inputs, 1, 1], start)] : []),
      ];
    }),
    ...affine("affine_last", widths[3]),
    weightSpec("fc.weight", [classes, widths[3]], start),
    biasSpec("fc.bias", classes),
  ];
}
