import type { FileTensor } from "./file_tensor.ts";

/**
 * Whose names the tensors of a network have: `bare` for those of the original's runs and of this project's models
 * (`group0.block0.conv0`), `functional-zoo` for those of the published exports (`group0.block0.conv0.weight`, batch
 * normalisation folded), `torchvision` for its state dicts (`layer1.0.conv1.weight`).
 */
export type NameStyle = "bare" | "functional-zoo" | "torchvision";

/** All styles. */
export const NAME_STYLES: readonly NameStyle[] = ["bare", "functional-zoo", "torchvision"];

/** What a convolution's tensors are called. */
export interface ConvNames {
  /** Weights. */
  readonly weight: string;
  /** Bias, where the style has one. */
  readonly bias?: string;
  /**
   * What stands before `.weight`, `.bias`, `.running_mean` and `.running_var` of its normalisation, where the style has
   * one.
   */
  readonly norm?: string;
}

/** A convolution's place in a ResNet of basic blocks. */
export type ConvPlace = "stem" | {
  readonly group: number;
  readonly block: number;
  readonly conv: 0 | 1 | "shortcut";
};

/**
 * Names the tensors of a convolution.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const place = { group: 1, block: 0, conv: "shortcut" } as const;
 * assert.equal(convNames("torchvision", place).weight, "layer2.0.downsample.0.weight");
 * assert.equal(convNames("functional-zoo", place).bias, "group1.block0.conv_dim.bias");
 * ```
 */
export function convNames(style: NameStyle, place: ConvPlace): ConvNames {
  if (style === "torchvision") return torchvisionNames(place);
  const block = place === "stem" ? "" : `group${place.group}.block${place.block}.`;
  const conv = place === "stem" ? 0 : place.conv;
  if (style === "functional-zoo") {
    const name = `${block}conv${conv === "shortcut" ? "_dim" : conv}`;
    return { weight: `${name}.weight`, bias: `${name}.bias` };
  }
  const suffix = conv === "shortcut" ? "dim" : conv;
  return { weight: `${block}conv${suffix}`, norm: `${block}bn${suffix}` };
}

function torchvisionNames(place: ConvPlace): ConvNames {
  if (place === "stem") return { weight: "conv1.weight", norm: "bn1" };
  const block = `layer${place.group + 1}.${place.block}`;
  return place.conv === "shortcut"
    ? { weight: `${block}.downsample.0.weight`, norm: `${block}.downsample.1` }
    : { weight: `${block}.conv${place.conv + 1}.weight`, norm: `${block}.bn${place.conv + 1}` };
}

/**
 * Tells whose names the tensors of a file have, by its first block.
 *
 * @returns The style, `undefined` where it is none of them.
 */
export function styleOf(tensors: ReadonlyMap<string, FileTensor>): NameStyle | undefined {
  if (tensors.has("affine0.a")) return "functional-zoo";
  return NAME_STYLES.find((style) =>
    tensors.has(convNames(style, "stem").weight) &&
    tensors.has(convNames(style, { group: 0, block: 0, conv: 0 }).weight)
  );
}
