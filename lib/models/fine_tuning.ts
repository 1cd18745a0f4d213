/**
 * Tells which parameters fine-tuning leaves as they are: normalisations everywhere, as the paper has it
 * ({@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017}, section 4.2.1), and all of the stem and of
 * the first groups. The bias of a convolution counts as the shift of a normalisation that has been folded into it.
 *
 * @param options.groups How many groups stay; with 0 the stem is trained too.
 * @returns Whether a parameter of that name stays.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const fixed = fixedInFineTuning({ groups: 1 });
 * const names = ["conv0", "group0.block1.conv0", "group1.block0.conv0", "group1.block0.bn0.weight", "fc.bias"];
 * assert.deepEqual(names.map(fixed), [true, true, false, true, false]);
 * ```
 */
export function fixedInFineTuning({ groups }: { groups: number }): (name: string) => boolean {
  return (name) => NORMALISATION.test(name) || groupOf(name) < groups;
}

const NORMALISATION = /(?:^|\.)(?:(?:bn|affine)\w*\.|(?:conv|proj)\w*\.bias$)/;

/** Convolutions of a group of a Network-in-Network, which numbers them all; of a ResNet it has the stem alone. */
const CONVOLUTIONS_A_GROUP = 3;

function groupOf(name: string): number {
  const group = /^group(\d+)\./.exec(name)?.[1];
  if (group !== undefined) return Number(group);
  const convolution = /^(?:conv|proj)(\d+)(?:\.|$)/.exec(name)?.[1];
  return convolution === undefined
    ? Infinity
    : Math.floor(Number(convolution) / CONVOLUTIONS_A_GROUP);
}
