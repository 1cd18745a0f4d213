/** The unit-length maps of `[samples, positions, channels]` in float64. */
export function mapsOf(
  x: Float64Array,
  { positions, channels }: { positions: number; channels: number },
) {
  const maps = new Float64Array(x.length / channels);
  x.forEach((value, at) => {
    const p = Math.floor(at / channels);
    maps[p] = (maps[p] ?? NaN) + value * value / channels;
  });
  for (let first = 0; first < maps.length; first += positions) {
    const map = maps.subarray(first, first + positions);
    const norm = Math.sqrt(map.reduce((sum, value) => sum + value * value, 0));
    map.set(map.map((value) => value / norm));
  }
  return maps;
}
