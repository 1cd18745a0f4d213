/** Random numbers that are the same at every run: mulberry32, in [0, 1). */
export function randomStream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Random float32 numbers between `from` and `to`. */
export function randomValues(
  size: number,
  { seed, from = -1, to = 1 }: { seed: number; from?: number; to?: number },
): Float32Array {
  const next = randomStream(seed);
  return Float32Array.from({ length: size }, () => from + (to - from) * next());
}

/** The integers below `size` in random order. */
export function randomOrder(size: number, { seed }: { seed: number }): number[] {
  const next = randomStream(seed);
  const order = Array.from({ length: size }, (_, at) => ({ at, key: next() }));
  return order.sort((a, b) => a.key - b.key).map(({ at }) => at);
}

/** Numbers at least 0.01 apart from each other and from zero, half of them negative, in random order. */
export function spacedValues(size: number, { seed }: { seed: number }): Float32Array {
  return Float32Array.from(
    randomOrder(size, { seed }),
    (rank) => 0.02 * (rank - (size >> 1)) + 0.01,
  );
}
