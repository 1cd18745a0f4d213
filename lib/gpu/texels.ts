import { type Dispatch, Kernel } from "./kernel.ts";

/** What a texel holds: four numbers of that type. */
export type TexelType = "f32" | "f16";

/** What WebGPU calls a texel's format. */
export const TEXEL_FORMATS: Readonly<Record<TexelType, GPUTextureFormat>> = {
  f32: "rgba32float",
  f16: "rgba16float",
};

/** Texels of a row of a texture that holds a tensor, a vec4 each. */
export const ROW = 1024;

/** The binding that tells a kernel in which rows its tensors begin, by their bindings, and then its sizes. */
export const NUMBERS_BINDING = 15;
/** The place of the first size among these numbers. */
const FIRST_SIZE = 8;
/** How many they are. */
export const NUMBERS = 64;

const DECLARATION =
  /@group\(0\) @binding\((\d+)\) var<storage, read> (\w+): array<(vec4f|vec4<real>)>;/g;
const NAME = /(?<![.\w])(\w+)(\(?)/g;

const readable = new WeakMap<Kernel, Map<string, readonly number[]>>();

/** The bindings that an entry point of a kernel reads vec4s of numbers through. */
export function texelBindings(kernel: Kernel, entry: string): readonly number[] {
  const known = readable.get(kernel) ?? new Map<string, readonly number[]>();
  readable.set(kernel, known);
  const found = known.get(entry);
  if (found !== undefined) return found;
  const names = namesIn(kernel.source, entry);
  const bindings = [...kernel.source.matchAll(DECLARATION)]
    .filter(([, , name = ""]) => names.has(name)).map(([, at]) => Number(at));
  known.set(entry, bindings);
  return bindings;
}

/** Every name in an entry point and in the functions that it calls, fields left out. Functions begin a line, and end one. */
function namesIn(source: string, entry: string): ReadonlySet<string> {
  const functions = new Map(
    [...source.matchAll(/^fn (\w+)\((?:[^\n]*\}$|.*?^\})/gms)].map((
      [text, name = ""],
    ) => [name, text]),
  );
  const names = new Set<string>();
  const called = new Set([entry]);
  for (const name of called) {
    for (const [, word = "", call] of functions.get(name)?.matchAll(NAME) ?? []) {
      names.add(word);
      if (call !== "") called.add(word);
    }
  }
  return names;
}

/** `name[index]` as a call of `name_texel(index)`, wherever it stands. */
function callInPlaceOfIndex(source: string, name: string): string {
  const parts: string[] = [];
  const pattern = new RegExp(`(?<![.\\w])${name}\\[`, "g");
  let done = 0;
  for (let match = pattern.exec(source); match !== null; match = pattern.exec(source)) {
    parts.push(source.slice(done, match.index), `${name}_texel(`);
    const first = pattern.lastIndex;
    let depth = 1;
    let at = first;
    for (; depth > 0; at++) depth += source[at] === "[" ? 1 : source[at] === "]" ? -1 : 0;
    parts.push(callInPlaceOfIndex(source.slice(first, at - 1), name), ")");
    done = pattern.lastIndex = at;
  }
  parts.push(source.slice(done));
  return parts.join("");
}

const variants = new WeakMap<Kernel, Map<string, Kernel>>();

/** What stands for one of the numbers in a kernel. */
function number(at: number): string {
  return `numbers[${at >> 2}][${at & 3}]`;
}

/** The head of an entry point, up to its body. */
const ENTRY = /^@compute[^{]*\{$/gm;

/** The sizes of a kernel as variables that a buffer fills, in place of overrides: its pipeline then serves every shape. */
function withSizesIn(source: string, sizes: readonly string[]): string {
  const filled = sizes.map((size, at) => `${size} = ${number(FIRST_SIZE + at)};`).join(" ");
  return sizes.reduce(
    (text, size) =>
      text.replace(new RegExp(`override ${size}: u32[^;]*;`), `var<private> ${size}: u32;`),
    source.replaceAll(ENTRY, `$& ${filled}`),
  );
}

/** The numbers of a dispatch that reads no textures: its kernel's sizes. */
export function sizesOf({ kernel, constants }: Dispatch): Uint32Array<ArrayBuffer> {
  const numbers = new Uint32Array(NUMBERS);
  numbers.set(kernel.sizes.map((size) => constants[size] ?? 0), FIRST_SIZE);
  return numbers;
}

/**
 * A kernel that reads some of its bindings as textures of {@link ROW} texels a row, and its sizes as numbers, and computes
 * the same.
 */
export function withTexels(kernel: Kernel, bindings: readonly number[]): Kernel {
  const key = bindings.join();
  const known = variants.get(kernel) ?? new Map<string, Kernel>();
  variants.set(kernel, known);
  const found = known.get(key);
  if (found !== undefined) return found;
  let source = kernel.source;
  for (const [line, at, name = "", type] of kernel.source.matchAll(DECLARATION)) {
    if (!bindings.includes(Number(at))) continue;
    const format = TEXEL_FORMATS[kernel.isHalf && type !== "vec4f" ? "f16" : "f32"];
    source = callInPlaceOfIndex(source, name).replace(
      line,
      `@group(0) @binding(${at}) var ${name}: texture_storage_2d<${format}, read>; ` +
        `fn ${name}_texel(i: u32) -> ${type} ` +
        `{ let at = vec2u(i % ${ROW}u, i / ${ROW}u + ${number(Number(at))}); ` +
        `return ${type}(textureLoad(${name}, at)); }`,
    );
  }
  source = withSizesIn(source, kernel.sizes) +
    `@group(0) @binding(${NUMBERS_BINDING}) var<uniform> numbers: array<vec4u, ${NUMBERS / 4}>;\n`;
  const made = new Kernel(kernel.name, source, kernel.sizes);
  known.set(key, made);
  return made;
}
