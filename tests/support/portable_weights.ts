import { sizeOf } from "../../lib/gpu/layout.ts";
import { fileTensor } from "../../lib/weights/file_tensor.ts";
import type { NamedTensors } from "../../lib/weights/parameter_set.ts";

/** Numbers that any IEEE language makes: FNV-1a of seed and name, then mulberry32 by a counter. */
function stream(seed: number, name: string): () => number {
  let hash = 2166136261;
  for (const byte of new TextEncoder().encode(`${seed}/${name}`)) {
    hash = Math.imul(hash ^ byte, 16777619);
  }
  return () => {
    hash = (hash + 0x6D2B79F5) | 0;
    let t = Math.imul(hash ^ (hash >>> 15), hash | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 8) * 2 ** -24;
  };
}

function valuesOf(name: string, shape: readonly number[], seed: number) {
  const next = stream(seed, name);
  const values = new Float32Array(sizeOf(shape));
  const uniform = (scale: number, shift: number) => () => next() * scale + shift;
  const normal = (scale: number) => () =>
    (((next() + next()) + next()) + next() - 2) * Math.sqrt(3) * scale;
  const draw = shape.length > 1
    ? normal(Math.sqrt(2 / sizeOf(shape.slice(1))))
    : name.endsWith("running_var")
    ? uniform(1, 0.5)
    : name.endsWith(".weight")
    ? uniform(0.5, 0.5)
    : normal(0.1);
  for (let at = 0; at < values.length; at++) values[at] = draw();
  return values;
}

/** The weights that the oracle's full-size networks were run with, for given names and shapes. */
export function portableWeights(
  specs: readonly { readonly name: string; readonly shape: readonly number[] }[],
  { seed }: { seed: number },
): NamedTensors {
  return new Map(
    specs.map(({ name, shape }) => [name, fileTensor(valuesOf(name, shape, seed), shape)]),
  );
}
