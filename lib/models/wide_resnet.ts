import type { Gpu } from "../gpu/device.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { add } from "../ops/add.ts";
import { batchNorm } from "../ops/batch_norm.ts";
import { conv2d } from "../ops/conv2d.ts";
import { foldBatchNorm } from "../ops/fold_batch_norm.ts";
import { globalAvgPool2d } from "../ops/global_avg_pool2d.ts";
import { linear } from "../ops/linear.ts";
import { relu } from "../ops/relu.ts";
import { type Fixing, ParameterSet, type ParameterSpec } from "../weights/parameter_set.ts";
import type { Activations } from "./activations.ts";
import type { ApplyOptions, Model } from "./model.ts";
import { normalisationOf } from "./normalisation.ts";
import { biasSpec, normSpecs, type Start, weightSpec } from "./specs.ts";
import { blocksOf, wideResNetName, type WideResNetSizes } from "./wide_resnet_sizes.ts";

/** The channels before the first group. */
const STEM = 16;

/** Options of {@link wideResNet}. */
export interface WideResNetOptions extends WideResNetSizes, Fixing {
  /** Seed of the initial weights. */
  readonly seed: number;
}

/**
 * A wide ResNet ({@link https://arxiv.org/abs/1605.07146 | Zagoruyko & Komodakis 2016}) with the original's names and
 * initialisation: pre-activation blocks, 1x1 shortcuts from the activated input, taps at the three raw group outputs.
 *
 * @throws {RangeError} If the depth is not 6n + 4.
 * @example
 * ```ts
 * import { Gpu, groupWidths, wideResNet } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * using model = wideResNet(gpu, { depth: 16, widths: groupWidths(1), classes: 10, seed: 0 });
 * assert.equal(model.parameters.count({ statistics: true }), 175_994);
 * ```
 */
export function wideResNet(
  gpu: Gpu,
  { depth, widths, classes, seed, fixed }: WideResNetOptions,
): Model {
  const parameters = new ParameterSet(gpu, specsOf({ depth, widths, classes }, { seed }), {
    fixed,
  });
  const apply = (x: Tensor, first: FirstHalf, options: ApplyOptions) =>
    activationsOf(x, { depth, widths, parameters, first, options });
  return {
    name: wideResNetName({ depth, widths }),
    classes,
    parameters,
    tapChannels: widths,
    apply: (x, options) => apply(x, firstHalf(parameters, options), options),
    freeze() {
      const { first, tensors } = foldedFirstHalf(parameters);
      return {
        apply: (x) => apply(x, first, { training: false }),
        [Symbol.dispose]() {
          for (const tensor of tensors) tensor[Symbol.dispose]();
        },
      };
    },
    [Symbol.dispose]: () => parameters[Symbol.dispose](),
  };
}

/** The first convolution of a block with the activated normalisation after it. */
type FirstHalf = (x: Tensor, name: string, options: { stride: number }) => Tensor;

function firstHalf(parameters: ParameterSet, options: ApplyOptions): FirstHalf {
  return (x, name, { stride }) => {
    const y = conv2d(x, parameters.get(`${name}.conv0`), { stride, padding: 1 });
    return relu(batchNorm(y, { ...normalisationOf(parameters, `${name}.bn1`), ...options }));
  };
}

function foldedFirstHalf(parameters: ParameterSet): { first: FirstHalf; tensors: Tensor[] } {
  const blocks = parameters.specs.flatMap(({ name }) => /^(.*)\.conv0$/.exec(name)?.[1] ?? []);
  const folded = new Map(blocks.map((name) => {
    const normalisation = normalisationOf(parameters, `${name}.bn1`);
    return [name, foldBatchNorm(parameters.get(`${name}.conv0`), normalisation)];
  }));
  return {
    first(x, name, { stride }) {
      const found = folded.get(name);
      if (found === undefined) throw new RangeError(`Cannot run ${name}: it was not folded`);
      return relu(conv2d(x, found.w, { stride, padding: 1, bias: found.bias }));
    },
    tensors: [...folded.values()].flatMap(({ w, bias }) => [w, bias]),
  };
}

function activationsOf(
  x: Tensor,
  { depth, widths, parameters, first, options }: Pick<WideResNetSizes, "depth" | "widths"> & {
    parameters: ParameterSet;
    first: FirstHalf;
    options: ApplyOptions;
  },
): Activations {
  const norm = (y: Tensor, name: string) =>
    relu(batchNorm(y, { ...normalisationOf(parameters, name), ...options }));
  const block = (y: Tensor, name: string, stride: number) => {
    const o = norm(y, `${name}.bn0`);
    const z = conv2d(first(o, name, { stride }), parameters.get(`${name}.conv1`), { padding: 1 });
    const shortcut = `${name}.convdim`;
    return add(z, parameters.has(shortcut) ? conv2d(o, parameters.get(shortcut), { stride }) : y);
  };
  let y = conv2d(x, parameters.get("conv0"), { padding: 1 });
  const taps = widths.map((_, group) => {
    for (let at = 0; at < blocksOf(depth); at++) {
      y = block(y, `group${group}.block${at}`, group > 0 && at === 0 ? 2 : 1);
    }
    return y;
  });
  const logits = linear(globalAvgPool2d(norm(y, "bn")), parameters.get("fc.weight"), {
    bias: parameters.get("fc.bias"),
  });
  return { logits, taps };
}

function specsOf({ depth, widths, classes }: WideResNetSizes, start: Start): ParameterSpec[] {
  let inputs = STEM;
  const groups = widths.flatMap((outputs, group) =>
    Array.from({ length: blocksOf(depth) }, (_, at) => {
      const name = `group${group}.block${at}`;
      const from = inputs;
      inputs = outputs;
      return [
        weightSpec(`${name}.conv0`, [outputs, from, 3, 3], start),
        weightSpec(`${name}.conv1`, [outputs, outputs, 3, 3], start),
        ...normSpecs(`${name}.bn0`, from, start),
        ...normSpecs(`${name}.bn1`, outputs, start),
        ...(from === outputs ? [] : [weightSpec(`${name}.convdim`, [outputs, from, 1, 1], start)]),
      ];
    }).flat()
  );
  return [
    weightSpec("conv0", [STEM, 3, 3, 3], start),
    ...groups,
    ...normSpecs("bn", inputs, start),
    weightSpec("fc.weight", [classes, inputs], start),
    biasSpec("fc.bias", classes),
  ];
}
