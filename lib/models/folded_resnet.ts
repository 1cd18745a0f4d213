import type { Gpu } from "../gpu/device.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { add } from "../ops/add.ts";
import { conv2d } from "../ops/conv2d.ts";
import { globalAvgPool2d } from "../ops/global_avg_pool2d.ts";
import { linear } from "../ops/linear.ts";
import { maxPool2d } from "../ops/max_pool2d.ts";
import { relu } from "../ops/relu.ts";
import { type Fixing, ParameterSet, type ParameterSpec } from "../weights/parameter_set.ts";
import type { Activations } from "./activations.ts";
import type { Model } from "./model.ts";
import { resNetBlocksOf, resNetName, type ResNetSizes, type SizedBlock } from "./resnet_sizes.ts";
import { biasSpec, type Start, weightSpec } from "./specs.ts";

/** Options of {@link foldedResNet}. */
export interface FoldedResNetOptions extends ResNetSizes, Fixing {
  /**
   * Whether the 1x1 shortcuts have a bias, as those of the published ResNet-34 do and of the ResNet-18 do not.
   * Default: true.
   */
  readonly shortcutBias?: boolean;
  /** Seed of the initial weights. */
  readonly seed: number;
}

/**
 * A ResNet of basic blocks whose batch normalisation has been folded into biased convolutions, with the names of the
 * published exports (`resnet-34-export`): the ImageNet teacher. Taps are the outputs of the four groups.
 *
 * @throws {RangeError} If a size is not a whole number of at least one.
 * @example
 * ```ts
 * import { foldedResNet, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * using model = foldedResNet(gpu, {
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
export function foldedResNet(
  gpu: Gpu,
  { seed, fixed, shortcutBias = true, ...sizes }: FoldedResNetOptions,
): Model {
  const groups = resNetBlocksOf(sizes);
  const parameters = new ParameterSet(
    gpu,
    specsOf(groups.flat(), { ...sizes, shortcutBias }, { seed }),
    { fixed },
  );
  const conv = (x: Tensor, name: string, options: { stride?: number; padding?: number }) => {
    const bias = parameters.has(`${name}.bias`) ? parameters.get(`${name}.bias`) : undefined;
    return conv2d(x, parameters.get(`${name}.weight`), { ...options, bias });
  };
  const block = (x: Tensor, { name, stride, hasShortcut }: SizedBlock) => {
    const y = relu(conv(x, `${name}.conv0`, { stride, padding: 1 }));
    const z = conv(y, `${name}.conv1`, { padding: 1 });
    return relu(add(z, hasShortcut ? conv(x, `${name}.conv_dim`, { stride }) : x));
  };
  return {
    name: resNetName(sizes),
    classes: sizes.classes,
    parameters,
    tapChannels: sizes.widths,
    apply(x: Tensor): Activations {
      const stem = relu(conv(x, "conv0", { stride: 2, padding: 3 }));
      let y = maxPool2d(stem, 3, { stride: 2, padding: 1 });
      const taps = groups.map((blocks) => {
        for (const sized of blocks) y = block(y, sized);
        return y;
      });
      const logits = linear(globalAvgPool2d(y), parameters.get("fc.weight"), {
        bias: parameters.get("fc.bias"),
      });
      return { logits, taps };
    },
    [Symbol.dispose]: () => parameters[Symbol.dispose](),
  };
}

function specsOf(
  blocks: readonly SizedBlock[],
  { widths, stem, classes, shortcutBias }: ResNetSizes & { shortcutBias: boolean },
  start: Start,
): ParameterSpec[] {
  const conv = (name: string, shape: [number, number, number, number]): ParameterSpec[] => [
    weightSpec(`${name}.weight`, shape, start),
    biasSpec(`${name}.bias`, shape[0]),
  ];
  return [
    ...conv("conv0", [stem, 3, 7, 7]),
    ...blocks.flatMap(({ name, inputs, outputs, hasShortcut }) => [
      ...conv(`${name}.conv0`, [outputs, inputs, 3, 3]),
      ...conv(`${name}.conv1`, [outputs, outputs, 3, 3]),
      ...(hasShortcut
        ? conv(`${name}.conv_dim`, [outputs, inputs, 1, 1]).slice(0, shortcutBias ? 2 : 1)
        : []),
    ]),
    weightSpec("fc.weight", [classes, widths[3]], start),
    biasSpec("fc.bias", classes),
  ];
}
