import { sizeOf } from "../gpu/layout.ts";
import { Draws } from "../random.ts";

/** A stream of random numbers for one tensor: the same for the same seed and name, whatever else there is. */
function drawsFor(name: string, seed: number): Draws {
  return new Draws(seed, ...[...name].map((letter) => letter.codePointAt(0) ?? 0));
}

/** A loop, since `Float32Array.from` takes twice as long for a network's millions. */
function filled(shape: readonly number[], next: () => number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  for (let at = 0; at < values.length; at++) values[at] = next();
  return values;
}

/**
 * Normal numbers of standard deviation `sqrt(2 / fan-in)` ({@link https://arxiv.org/abs/1502.01852 | He et al. 2015}).
 *
 * @param shape OIHW or `[outputs, inputs]`; the fan-in is all but the first.
 */
export function heNormal(
  shape: readonly number[],
  { name, seed }: { name: string; seed: number },
): Float32Array {
  const draws = drawsFor(name, seed);
  const deviation = Math.sqrt(2 / sizeOf(shape.slice(1)));
  return filled(shape, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - draws.between(0, 1)));
    return deviation * radius * Math.cos(2 * Math.PI * draws.between(0, 1));
  });
}

/** Numbers that are uniform in 0 to 1: the original's scales of batch normalisation. */
export function uniform(
  shape: readonly number[],
  { name, seed }: { name: string; seed: number },
): Float32Array {
  const draws = drawsFor(name, seed);
  return filled(shape, () => draws.between(0, 1));
}

/** The same number everywhere. */
export function constant(shape: readonly number[], value: number): Float32Array {
  return new Float32Array(sizeOf(shape)).fill(value);
}
