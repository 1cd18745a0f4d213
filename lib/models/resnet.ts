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
import type { ApplyOptions, Model } from "./model.ts";
import { normalisationOf } from "./normalisation.ts";
import { resNetBlocksOf, resNetName, type ResNetSizes, type SizedBlock } from "./resnet_sizes.ts";
import { biasSpec, normSpecs, type Start, weightSpec } from "./specs.ts";

/** Options of {@link resNet}. */
export interface ResNetOptions extends ResNetSizes, Fixing {
  /** Seed of the initial weights. */
  readonly seed: number;
}

/**
 * A ResNet of basic blocks for ImageNet ({@link https://arxiv.org/abs/1512.03385 | He et al. 2016}), as the original's
 * student: post-activation, 1x1 shortcuts from the block's input without normalisation, no bias in convolutions, taps
 * at the outputs of the four groups.
 *
 * @throws {RangeError} If a size is not a whole number of at least one.
 * @example
 * ```ts
 * import { Gpu, RESNET_WIDTHS, resNet, resNetBlocks } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * using model = resNet(gpu, {
 *   blocks: resNetBlocks(18),
 *   widths: [4, 4, 8, 8],
 *   stem: 4,
 *   classes: 10,
 *   seed: 0,
 * });
 * const { logits, taps } = model.apply(gpu.zeros([1, 32, 32, 3]), { training: false });
 * assert.deepEqual(logits.shape, [1, 10]);
 * assert.deepEqual(taps.map(({ shape }) => shape[1]), [8, 4, 2, 1]);
 * assert.deepEqual(RESNET_WIDTHS, [64, 128, 256, 512]);
 * ```
 */
export function resNet(gpu: Gpu, { seed, fixed, ...sizes }: ResNetOptions): Model {
  const groups = resNetBlocksOf(sizes);
  const parameters = new ParameterSet(gpu, specsOf(groups.flat(), sizes, { seed }), { fixed });
  const norm = (x: Tensor, name: string, options: ApplyOptions) =>
    batchNorm(x, { ...normalisationOf(parameters, name), ...options });
  const block = (x: Tensor, { name, stride, hasShortcut }: SizedBlock, options: ApplyOptions) => {
    const conv = (input: Tensor, at: 0 | 1) =>
      norm(
        conv2d(input, parameters.get(`${name}.conv${at}`), {
          stride: at === 0 ? stride : 1,
          padding: 1,
        }),
        `${name}.bn${at}`,
        options,
      );
    const y = conv(relu(conv(x, 0)), 1);
    return relu(
      add(y, hasShortcut ? conv2d(x, parameters.get(`${name}.convdim`), { stride }) : x),
    );
  };
  return {
    name: resNetName(sizes),
    classes: sizes.classes,
    parameters,
    tapChannels: sizes.widths,
    apply(x: Tensor, options: ApplyOptions): Activations {
      const stem = conv2d(x, parameters.get("conv0"), { stride: 2, padding: 3 });
      let y = maxPool2d(relu(norm(stem, "bn0", options)), 3, { stride: 2, padding: 1 });
      const taps = groups.map((blocks) => {
        for (const sized of blocks) y = block(y, sized, options);
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
  { widths, stem, classes }: ResNetSizes,
  start: Start,
): ParameterSpec[] {
  return [
    weightSpec("conv0", [stem, 3, 7, 7], start),
    ...normSpecs("bn0", stem, start),
    ...blocks.flatMap(({ name, inputs, outputs, hasShortcut }) => [
      weightSpec(`${name}.conv0`, [outputs, inputs, 3, 3], start),
      weightSpec(`${name}.conv1`, [outputs, outputs, 3, 3], start),
      ...normSpecs(`${name}.bn0`, outputs, start),
      ...normSpecs(`${name}.bn1`, outputs, start),
      ...(hasShortcut ? [weightSpec(`${name}.convdim`, [outputs, inputs, 1, 1], start)] : []),
    ]),
    weightSpec("fc.weight", [classes, widths[3]], start),
    biasSpec("fc.bias", classes),
  ];
}
