import type { NamedTensors } from "../weights/parameter_set.ts";
import { outputsOf, wantSizes } from "./sizes.ts";

/** The channels of the three convolutions of a group. */
export type NinGroupWidths = readonly [number, number, number];

/** The channels of the convolutions of the three groups. */
export type NinWidths = readonly [NinGroupWidths, NinGroupWidths, NinGroupWidths];

/** The sizes of a Network-in-Network. */
export interface NinSizes {
  /** The channels of its convolutions. */
  readonly widths: NinWidths;
  /** Outputs. */
  readonly classes: number;
  /** Whether its convolutions are normalised, and have no biases. Default: true. */
  readonly batchNorm?: boolean;
  /** Whether a ReLU follows the last convolution of each group, before the pooling. Default: true. */
  readonly reluBeforePool?: boolean;
}

/**
 * The widths of the paper's Network-in-Networks. Those of the wide one, of 1.0 M parameters, are of `models/nin.lua` in
 * {@link https://github.com/szagoruyko/wide-residual-networks | the code of wide ResNets}. Those of the thin one are
 * not published, but for its 0.2 M parameters: ours are 11/24 of the wide one's, rounded down to multiples of eight,
 * which makes 206,834 parameters for ten classes (half of the wide one's would make 256,298).
 */
export const NIN_WIDTHS: Readonly<Record<"wide" | "thin", NinWidths>> = {
  wide: [[192, 160, 96], [192, 192, 192], [192, 192, 192]],
  thin: [[88, 72, 40], [88, 88, 88], [88, 88, 88]],
};

/** What errors call it. */
const NETWORK = "a Network-in-Network";

/** The sides of the kernels. */
const SIDES: NinWidths = [[5, 1, 1], [5, 1, 1], [3, 1, 1]];

/** One convolution of a Network-in-Network, its sizes and the names of its tensors. */
export interface NinLayer {
  /** The weights: `conv0`, and `conv0.weight` where there is a bias. */
  readonly weight: string;
  /** The bias, `null` where it is normalised. */
  readonly bias: string | null;
  /** What stands before the tensors of its normalisation, `null` without one. */
  readonly norm: string | null;
  /** The side of its kernel. */
  readonly side: number;
  /** Channels in. */
  readonly inputs: number;
  /** Channels out. */
  readonly outputs: number;
  /** Whether a ReLU follows. */
  readonly isRectified: boolean;
}

/**
 * The convolutions of a Network-in-Network, by group.
 *
 * @throws {RangeError} If a size is not a whole number of at least one.
 */
export function ninLayersOf(sizes: NinSizes): NinLayer[][] {
  const { widths, classes, batchNorm = true, reluBeforePool = true } = sizes;
  wantSizes([...widths.flat(), classes], { network: NETWORK, names: "widths and classes" });
  let inputs = 3;
  return widths.map((group, at) =>
    group.map((outputs, place) => {
      const isRectified = reluBeforePool || place < 2;
      const name = nameOf({ group: at, place, isRectified });
      const layer = {
        weight: batchNorm ? name : `${name}.weight`,
        bias: batchNorm ? null : `${name}.bias`,
        norm: batchNorm ? `bn${3 * at + place}` : null,
        side: SIDES[at]?.[place] ?? 1,
        inputs,
        outputs,
        isRectified,
      };
      inputs = outputs;
      return layer;
    })
  );
}

/** The name tells what the weights cannot: `conv` is a convolution that a ReLU follows, `proj` one without. */
function nameOf({ group, place, isRectified }: {
  group: number;
  place: number;
  isRectified: boolean;
}): string {
  return `${isRectified ? "conv" : "proj"}${3 * group + place}`;
}

/** What a Network-in-Network is called: wide, thin or its widths, and what it lacks. */
export function ninName({ widths, batchNorm = true, reluBeforePool = true }: NinSizes): string {
  const known = Object.entries(NIN_WIDTHS).find(([, usual]) => usual.join() === widths.join());
  return [
    `NIN-${known?.[0] ?? `(${widths.flat().join(", ")})`}`,
    ...(batchNorm ? [] : ["no BatchNorm"]),
    ...(reluBeforePool ? [] : ["no ReLU before pooling"]),
  ].join(", ");
}

/** Whether the names are those of a Network-in-Network. */
export function isNin(tensors: NamedTensors): boolean {
  const last = [true, false].map((isRectified) => nameOf({ group: 2, place: 2, isRectified }));
  return last.some((name) => tensors.has(name) || tensors.has(`${name}.weight`));
}

/**
 * Reads the sizes of a Network-in-Network off the names and shapes of its weights.
 *
 * @param tensors The weights by PyTorch's names.
 * @param options.from The file's name, for errors.
 * @throws {TypeError} If one is missing that says a size.
 */
export function ninSizes(tensors: NamedTensors, { from }: { from: string }): NinSizes {
  const batchNorm = tensors.has("conv0");
  const suffix = batchNorm ? "" : ".weight";
  const reluBeforePool = tensors.has(`conv2${suffix}`);
  const outputs = (name: string) => outputsOf(tensors, name, { network: NETWORK, from });
  const width = (group: number, place: number) =>
    outputs(`${nameOf({ group, place, isRectified: reluBeforePool || place < 2 })}${suffix}`);
  const widths = (group: number) => [width(group, 0), width(group, 1), width(group, 2)] as const;
  return {
    widths: [widths(0), widths(1), widths(2)],
    classes: outputs("fc.weight"),
    batchNorm,
    reluBeforePool,
  };
}
