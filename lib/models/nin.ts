import type { Gpu } from "../gpu/device.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { avgPool2d } from "../ops/avg_pool2d.ts";
import { batchNorm } from "../ops/batch_norm.ts";
import { conv2d } from "../ops/conv2d.ts";
import { foldBatchNorm, type FoldedConvolution } from "../ops/fold_batch_norm.ts";
import { globalAvgPool2d } from "../ops/global_avg_pool2d.ts";
import { linear } from "../ops/linear.ts";
import { maxPool2d } from "../ops/max_pool2d.ts";
import { relu } from "../ops/relu.ts";
import { type Fixing, ParameterSet, type ParameterSpec } from "../weights/parameter_set.ts";
import type { Activations } from "./activations.ts";
import type { ApplyOptions, Model } from "./model.ts";
import { type NinLayer, ninLayersOf, ninName, type NinSizes } from "./nin_sizes.ts";
import { normalisationOf } from "./normalisation.ts";
import { biasSpec, normSpecs, type Start, weightSpec } from "./specs.ts";

/** Options of {@link networkInNetwork}. */
export interface NetworkInNetworkOptions extends NinSizes, Fixing {
  /** Seed of the initial weights. */
  readonly seed: number;
}

/** What follows the groups; windows of three at a stride of two, rounded up, halve the image. */
const POOLS = [
  (x: Tensor) => maxPool2d(x, 3, { stride: 2, ceil: true }),
  (x: Tensor) => avgPool2d(x, 3, { stride: 2, ceil: true }),
  globalAvgPool2d,
] as const;

/**
 * A Network-in-Network ({@link https://arxiv.org/abs/1312.4400 | Lin et al. 2013}) as wide ResNets' `models/nin.lua`
 * has it: three groups of a 5x5 (in the last a 3x3) and two 1x1 convolutions, max pooling after the first group,
 * average pooling after the second and over the whole image after the last, then a linear layer. Each convolution has a
 * batch normalisation, or a bias that starts at zero, and a ReLU; there is no dropout, as in that file. Taps are the
 * outputs of the last convolution of each group, before normalisation and ReLU: 32x32, 16x16 and 8x8 pixels of a CIFAR
 * image.
 *
 * Its tensors are `conv0` to `conv8` with `bn0.weight` and so on beside them, or `conv0.weight` and `conv0.bias` where
 * it is not normalised, and `fc.weight` and `fc.bias`. Without a ReLU before the poolings `conv2`, `conv5` and `conv8`
 * are called `proj2`, `proj5` and `proj8`, so that a file tells which network it holds.
 *
 * @throws {RangeError} If a size is not a whole number of at least one.
 * @example
 * ```ts
 * import { Gpu, networkInNetwork, NIN_WIDTHS } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * using model = networkInNetwork(gpu, { widths: NIN_WIDTHS.thin, classes: 10, seed: 0 });
 * assert.equal(model.parameters.count({ statistics: false }), 206_834);
 * ```
 */
export function networkInNetwork(
  gpu: Gpu,
  { seed, fixed, ...sizes }: NetworkInNetworkOptions,
): Model {
  const groups = ninLayersOf(sizes);
  const parameters = new ParameterSet(gpu, specsOf(groups.flat(), sizes, { seed }), { fixed });
  const network = { groups, parameters };
  return {
    name: ninName(sizes),
    classes: sizes.classes,
    parameters,
    tapChannels: sizes.widths.map((group) => group[2]),
    apply: (x, options) => activationsOf(x, { ...network, folded: new Map(), options }),
    ...(sizes.batchNorm === false ? {} : {
      freeze() {
        const folded = foldedLayers(network);
        return {
          apply: (x: Tensor) =>
            activationsOf(x, { ...network, folded, options: { training: false } }),
          [Symbol.dispose]() {
            for (const { w, bias } of folded.values()) {
              w[Symbol.dispose]();
              bias[Symbol.dispose]();
            }
          },
        };
      },
    }),
    [Symbol.dispose]: () => parameters[Symbol.dispose](),
  };
}

interface Network {
  readonly groups: readonly (readonly NinLayer[])[];
  readonly parameters: ParameterSet;
}

/** All but the last convolution of each group: what that one puts out before its normalisation is a tap. */
function foldedLayers({ groups, parameters }: Network): Map<string, FoldedConvolution> {
  const layers = groups.flatMap((group) => group.slice(0, -1));
  return new Map(
    layers.flatMap(({ weight, norm }) =>
      norm === null
        ? []
        : [[weight, foldBatchNorm(parameters.get(weight), normalisationOf(parameters, norm))]]
    ),
  );
}

function activationsOf(
  x: Tensor,
  { groups, parameters, folded, options }: Network & {
    readonly folded: ReadonlyMap<string, FoldedConvolution>;
    readonly options: ApplyOptions;
  },
): Activations {
  const convolved = (input: Tensor, { weight, bias, side }: NinLayer) => {
    const padding = (side - 1) / 2;
    const found = folded.get(weight);
    if (found !== undefined) return conv2d(input, found.w, { padding, bias: found.bias });
    const added = bias === null ? undefined : parameters.get(bias);
    return conv2d(input, parameters.get(weight), { padding, bias: added });
  };
  const activated = (raw: Tensor, { weight, norm, isRectified }: NinLayer) => {
    const isDone = norm === null || folded.has(weight);
    const normal = isDone
      ? raw
      : batchNorm(raw, { ...normalisationOf(parameters, norm), ...options });
    return isRectified ? relu(normal) : normal;
  };
  let y = x;
  const taps = POOLS.map((pool, group) => {
    let tap = y;
    for (const layer of groups[group] ?? []) {
      tap = convolved(y, layer);
      y = activated(tap, layer);
    }
    y = pool(y);
    return tap;
  });
  const logits = linear(y, parameters.get("fc.weight"), { bias: parameters.get("fc.bias") });
  return { logits, taps };
}

function specsOf(
  layers: readonly NinLayer[],
  { widths, classes }: NinSizes,
  start: Start,
): ParameterSpec[] {
  return [
    ...layers.flatMap(({ weight, bias, norm, side, inputs, outputs }) => [
      weightSpec(weight, [outputs, inputs, side, side], start),
      ...(bias === null ? [] : [biasSpec(bias, outputs)]),
      ...(norm === null ? [] : normSpecs(norm, outputs, start)),
    ]),
    weightSpec("fc.weight", [classes, widths[2][2]], start),
    biasSpec("fc.bias", classes),
  ];
}
