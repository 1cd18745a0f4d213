import { randomStream } from "./random.ts";

const STEP = 1e-3;

/** A way to move the arguments of a function: an array and what is added to it for each unit moved. */
export interface Direction {
  readonly array: Float64Array;
  readonly by: Float64Array;
}

/** The derivative at 0 of a function of t, from five points. */
function derivative(f: (t: number) => number): number {
  return (8 * (f(STEP) - f(-STEP)) - (f(2 * STEP) - f(-2 * STEP))) / (12 * STEP);
}

/** The partial derivatives of `f` with respect to some elements of an array that it reads. */
export function partials(
  f: () => number,
  { array, places }: { array: Float64Array; places: readonly number[] },
): Float64Array {
  return Float64Array.from(places, (place) => {
    const kept = array[place] ?? NaN;
    const slope = derivative((t) => {
      array[place] = kept + t;
      return f();
    });
    array[place] = kept;
    return slope;
  });
}

/** The derivative of `f` where all of `directions` move together, as a function of the same arrays. */
export function along(f: () => number, directions: readonly Direction[]): () => number {
  return () => {
    const kept = directions.map(({ array }) => array.slice());
    const slope = derivative((t) => {
      directions.forEach(({ array, by }, at) => {
        const from = kept[at];
        for (let i = 0; i < array.length; i++) array[i] = (from?.[i] ?? NaN) + t * (by[i] ?? NaN);
      });
      return f();
    });
    directions.forEach(({ array }, at) => array.set(kept[at] ?? []));
    return slope;
  };
}

/** Places in an array of `size` elements: all of them, or `most` spread at random and the last. */
export function samplePlaces(size: number, { most }: { most: number }): number[] {
  if (size <= most) return Array.from({ length: size }, (_, at) => at);
  const next = randomStream(size);
  const width = size / most;
  const places = Array.from({ length: most }, (_, at) => Math.floor((at + next()) * width));
  return [...new Set([...places, size - 1])];
}
