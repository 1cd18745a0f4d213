import type { FileTensor } from "./file_tensor.ts";
import { biasNorm, type ConvTensors, foldNorm, type NormTensors } from "./fold.ts";
import { isCounter } from "./peel.ts";
import { convNames, type ConvPlace, type NameStyle, styleOf } from "./names.ts";

const NORM = {
  weight: "weight",
  bias: "bias",
  mean: "running_mean",
  variance: "running_var",
} as const;
const OUTPUTS = "fc";

/**
 * Gives the tensors of a ResNet of basic blocks the names of another style. Where that style has no batch
 * normalisation it is folded into the convolutions, and where it has one that the file has not, one that only adds the
 * bias is put in: evaluated, the network computes the same.
 *
 * @param tensors The file's tensors.
 * @param options The style that is wanted, and the file's name for errors.
 * @returns The tensors under their new names; those that already have them as they are.
 * @throws {TypeError} If the file holds another network; the message says what is in it.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const rename = () => renameWeights(new Map(), { to: "torchvision", from: "empty.npz" });
 * assert.throws(rename, /Cannot rename empty\.npz to torchvision: .*found no tensors/);
 * ```
 */
export function renameWeights(
  tensors: ReadonlyMap<string, FileTensor>,
  { to, from }: { to: NameStyle; from: string },
): Map<string, FileTensor> {
  const style = styleOf(tensors);
  if (style === to) return new Map(tensors);
  const refuse = (found: string): TypeError =>
    new TypeError(
      `Cannot rename ${from} to ${to}: wanted a ResNet of basic blocks under the names of bare, functional-zoo or torchvision, found ${found}`,
    );
  if (style === undefined) throw refuse(summary([...tensors.keys()]));
  const taken = new Set<string>();
  const get = (name: string): FileTensor | undefined => {
    taken.add(name);
    return tensors.get(name);
  };
  const renamed = new Map<string, FileTensor>();
  for (const place of placesOf(style, tensors)) {
    const conv = readConv(get, { style, place });
    if (conv === undefined) throw refuse(`no ${convNames(style, place).weight}`);
    writeConv(renamed, { conv, style: to, place });
  }
  for (const name of [`${OUTPUTS}.weight`, `${OUTPUTS}.bias`]) {
    const tensor = get(name);
    if (tensor === undefined) throw refuse(`no ${name}`);
    renamed.set(name, tensor);
  }
  const left = [...tensors].filter(([name, tensor]) => !taken.has(name) && !isCounter(name, tensor))
    .map(([name]) => name);
  if (left.length > 0) throw refuse(`beside it ${summary(left)}`);
  return renamed;
}

function* placesOf(
  style: NameStyle,
  tensors: ReadonlyMap<string, FileTensor>,
): Generator<ConvPlace> {
  const has = (place: ConvPlace) => tensors.has(convNames(style, place).weight);
  yield "stem";
  for (let group = 0; has({ group, block: 0, conv: 0 }); group++) {
    for (let block = 0; has({ group, block, conv: 0 }); block++) {
      yield { group, block, conv: 0 };
      yield { group, block, conv: 1 };
      const shortcut = { group, block, conv: "shortcut" } as const;
      if (has(shortcut)) yield shortcut;
    }
  }
}

function readConv(
  get: (name: string) => FileTensor | undefined,
  { style, place }: { style: NameStyle; place: ConvPlace },
): ConvTensors | undefined {
  const names = convNames(style, place);
  const weight = get(names.weight);
  if (weight === undefined) return undefined;
  const bias = names.bias === undefined ? undefined : get(names.bias);
  const norm = names.norm === undefined ? undefined : readNorm(get, names.norm);
  return { weight, ...bias === undefined ? {} : { bias }, ...norm === undefined ? {} : { norm } };
}

function readNorm(
  get: (name: string) => FileTensor | undefined,
  prefix: string,
): NormTensors | undefined {
  const read = (part: keyof typeof NORM) => get(`${prefix}.${NORM[part]}`);
  const [weight, bias, mean, variance] = [
    read("weight"),
    read("bias"),
    read("mean"),
    read("variance"),
  ];
  const isWhole = weight !== undefined && bias !== undefined && mean !== undefined &&
    variance !== undefined;
  return isWhole ? { weight, bias, mean, variance } : undefined;
}

function writeConv(
  tensors: Map<string, FileTensor>,
  { conv, style, place }: { conv: ConvTensors; style: NameStyle; place: ConvPlace },
): void {
  const names = convNames(style, place);
  if (names.bias !== undefined) {
    const { weight, bias } = foldNorm(conv, `fold the normalisation into ${names.weight}`);
    tensors.set(names.weight, weight);
    if (bias !== undefined) tensors.set(names.bias, bias);
    return;
  }
  tensors.set(names.weight, conv.weight);
  const isPlain = conv.norm === undefined && conv.bias === undefined;
  // the bare ResNet of the original has shortcuts without normalisation, torchvision's has none without
  if (names.norm === undefined || (isPlain && style === "bare")) return;
  const norm = conv.norm ?? biasNorm(conv.weight.shape[0] ?? 0, conv.bias);
  for (const part of ["weight", "bias", "mean", "variance"] as const) {
    tensors.set(`${names.norm}.${NORM[part]}`, norm[part]);
  }
}

/**
 * Words the names of tensors, the first of many.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(summary(["a", "b", "c", "d", "e"]), "5 tensors (a, b, c, d, ...)");
 * ```
 */
export function summary(names: readonly string[]): string {
  if (names.length === 0) return "no tensors";
  const shown = names.slice(0, 4).join(", ");
  return names.length > 4 ? `${names.length} tensors (${shown}, ...)` : `only ${shown}`;
}
