import type { NamedTensors } from "../weights/parameter_set.ts";
import { outputsOf } from "./sizes.ts";

/** The sizes of a wide ResNet. */
export interface WideResNetSizes {
  /** Layers, 6n + 4 for n blocks a group. */
  readonly depth: number;
  /** Channels of the three groups. */
  readonly widths: readonly [number, number, number];
  /** Outputs. */
  readonly classes: number;
}

/** What errors call it. */
const NETWORK = "a wide ResNet";

/** The channels of the three groups at width 1. */
const GROUPS = [16, 32, 64] as const;

/**
 * The channels of the three groups at a width factor, rounded down as the original does.
 *
 * @throws {RangeError} If a group would have none.
 * @example
 * ```ts
 * import { groupWidths } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(groupWidths(1.5), [24, 48, 96]);
 * ```
 */
export function groupWidths(width: number): [number, number, number] {
  const [a, b, c] = GROUPS.map((channels) => Math.floor(channels * width));
  if (!(a !== undefined && b !== undefined && c !== undefined && a >= 1)) {
    throw new RangeError(
      `Cannot size ${NETWORK}: the width must give every group a channel, found ${width}`,
    );
  }
  return [a, b, c];
}

/**
 * The blocks of each group at a depth.
 *
 * @throws {RangeError} If the depth is not 6n + 4.
 */
export function blocksOf(depth: number): number {
  const blocks = (depth - 4) / 6;
  if (!Number.isInteger(blocks) || blocks < 1) {
    throw new RangeError(
      `Cannot size ${NETWORK}: the depth must be 6n+4 (10, 16, 22, 28...), found ${depth}`,
    );
  }
  return blocks;
}

/** What a wide ResNet is called: its depth, and its width factor or its widths where no factor makes them. */
export function wideResNetName(
  { depth, widths }: Pick<WideResNetSizes, "depth" | "widths">,
): string {
  const factor = widths[2] / GROUPS[2];
  const isUsual = groupWidths(factor).join() === widths.join();
  return `WRN-${depth}-${isUsual ? factor : `(${widths.join(", ")})`}`;
}

/**
 * Reads the sizes of a wide ResNet off the names and shapes of its weights.
 *
 * @param tensors The weights by PyTorch's names.
 * @param options.from The file's name, for errors.
 * @throws {TypeError} If they are not those of a wide ResNet.
 */
export function wideResNetSizes(
  tensors: NamedTensors,
  { from }: { from: string },
): WideResNetSizes {
  const outputs = (name: string) => outputsOf(tensors, name, { network: NETWORK, from });
  let blocks = 0;
  while (tensors.has(`group0.block${blocks}.conv0`)) blocks++;
  const width = (group: number) => outputs(`group${group}.block0.conv0`);
  return {
    depth: 6 * blocks + 4,
    widths: [width(0), width(1), width(2)],
    classes: outputs("fc.weight"),
  };
}
