import type { NamedTensors } from "../weights/parameter_set.ts";
import { outputsOf, wantSizes } from "./sizes.ts";

/** Something for each of the four groups of a ResNet. */
export type FourGroups = readonly [number, number, number, number];

/** The sizes of a ResNet of basic blocks. */
export interface ResNetSizes {
  /** Blocks of the four groups. */
  readonly blocks: FourGroups;
  /** Channels of the four groups. */
  readonly widths: FourGroups;
  /** Channels before the first group. */
  readonly stem: number;
  /** Outputs. */
  readonly classes: number;
}

/** The channels of the four groups of ResNet-18 and ResNet-34. */
export const RESNET_WIDTHS: FourGroups = [64, 128, 256, 512];

/** What errors call it. */
const NETWORK = "a ResNet";

const BLOCKS: ReadonlyMap<number, FourGroups> = new Map([
  [18, [2, 2, 2, 2]],
  [34, [3, 4, 6, 3]],
]);

/**
 * The blocks of each group at a depth.
 *
 * @throws {RangeError} If the depth is not 18 or 34.
 * @example
 * ```ts
 * import { resNetBlocks } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(resNetBlocks(34), [3, 4, 6, 3]);
 * ```
 */
export function resNetBlocks(depth: number): FourGroups {
  const found = BLOCKS.get(depth);
  if (found === undefined) {
    throw new RangeError(`Cannot size ${NETWORK}: the depth must be 18 or 34, found ${depth}`);
  }
  return found;
}

/** One block of a ResNet and its sizes. */
export interface SizedBlock {
  /** Its name, such as `group1.block0`. */
  readonly name: string;
  /** Channels in. */
  readonly inputs: number;
  /** Channels out. */
  readonly outputs: number;
  /** The stride of its first convolution. */
  readonly stride: number;
  /** Whether its shortcut is a convolution: where channels or pixels change. */
  readonly hasShortcut: boolean;
}

/**
 * The blocks of a ResNet, by group.
 *
 * @throws {RangeError} If a size is not a whole number of at least one.
 */
export function resNetBlocksOf({ blocks, widths, stem, classes }: ResNetSizes): SizedBlock[][] {
  wantSizes([...blocks, ...widths, stem, classes], {
    network: NETWORK,
    names: "blocks, widths, stem and classes",
  });
  return widths.map((outputs, group) => {
    const before = widths[group - 1] ?? stem;
    return Array.from({ length: blocks[group] ?? 0 }, (_, at) => {
      const inputs = at === 0 ? before : outputs;
      const stride = group > 0 && at === 0 ? 2 : 1;
      const hasShortcut = inputs !== outputs || stride !== 1;
      return { name: `group${group}.block${at}`, inputs, outputs, stride, hasShortcut };
    });
  });
}

/** What a ResNet is called: its depth, and its widths where they are not the usual ones. */
export function resNetName({ blocks, widths }: ResNetSizes): string {
  const depth = 2 + 2 * blocks.reduce((sum, count) => sum + count, 0);
  const isUsual = widths.join() === RESNET_WIDTHS.join();
  return `ResNet-${depth}${isUsual ? "" : ` (${widths.join(", ")})`}`;
}

/** The channels of the four groups at a width factor, rounded down as the original does. */
export function resNetWidths(width: number): FourGroups {
  const [a, b, c, d] = RESNET_WIDTHS;
  const wide = (channels: number) => Math.floor(channels * width);
  return [wide(a), wide(b), wide(c), wide(d)];
}

/**
 * Reads the sizes of a ResNet off the shapes of its weights.
 *
 * @param tensors The weights.
 * @param options.suffix What stands behind the name of a convolution: `.weight` in exports, nothing in the original's
 * runs.
 * @param options.from The file's name, for errors.
 * @throws {TypeError} If a tensor that says one is missing.
 */
export function resNetSizes(
  tensors: NamedTensors,
  { suffix, from }: { suffix: "" | ".weight"; from: string },
): ResNetSizes {
  const outputs = (name: string) => outputsOf(tensors, name, { network: NETWORK, from });
  const blocks = (group: number) => {
    let count = 0;
    while (tensors.has(`group${group}.block${count}.conv0${suffix}`)) count++;
    return count;
  };
  const width = (group: number) => outputs(`group${group}.block0.conv0${suffix}`);
  return {
    widths: [width(0), width(1), width(2), width(3)],
    blocks: [blocks(0), blocks(1), blocks(2), blocks(3)],
    stem: outputs(`conv0${suffix}`),
    classes: outputs("fc.weight"),
  };
}
