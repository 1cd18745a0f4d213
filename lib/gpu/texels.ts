import { Kernel } from "./kernel.ts";

/** Texels of a row of a texture that holds a tensor, a vec4 each. */
export const ROW = 1024;

/** The binding that tells a kernel in which rows its tensors begin, by their bindings: eight numbers. */
export const ROWS_BINDING = 15;

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

/** A kernel that reads some of its bindings as textures of {@link ROW} texels a row, and computes the same. */
export function withTexels(kernel: Kernel, bindings: readonly number[]): Kernel {
  if (bindings.length === 0) return kernel;
  const key = bindings.join();
  const known = variants.get(kernel) ?? new Map<string, Kernel>();
  variants.set(kernel, known);
  const found = known.get(key);
  if (found !== undefined) return found;
  let source = kernel.source;
  for (const [line, at, name = "", type] of kernel.source.matchAll(DECLARATION)) {
    if (!bindings.includes(Number(at))) continue;
    source = callInPlaceOfIndex(source, name).replace(
      line,
      `@group(0) @binding(${at}) var ${name}: texture_2d<f32>; fn ${name}_texel(i: u32) -> ${type} ` +
        `{ let at = vec2u(i % ${ROW}u, i / ${ROW}u + first_rows[${Number(at) >> 2}][${
          Number(at) & 3
        }]); ` +
        `return ${type}(textureLoad(${name}, at, 0)); }`,
    );
  }
  source += `@group(0) @binding(${ROWS_BINDING}) var<uniform> first_rows: array<vec4u, 2>;\n`;
  const made = new Kernel(kernel.name, source);
  known.set(key, made);
  return made;
}
