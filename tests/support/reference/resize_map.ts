import type { MapSize, Resize } from "../../../lib/ops/resize_map.ts";

/** What output `o` of a side takes from each input, as PyTorch's adaptive_avg_pool2d and F.interpolate have it. */
function weightsOf(
  o: number,
  { before, after, resize }: { before: number; after: number; resize: Resize },
): Float64Array {
  const weights = new Float64Array(before);
  if (resize === "pool") {
    const [start, end] = [Math.floor(o * before / after), Math.ceil((o + 1) * before / after)];
    return weights.fill(1 / (end - start), start, end);
  }
  const source = Math.max((o + 0.5) * before / after - 0.5, 0);
  const low = Math.floor(source);
  const high = low < before - 1 ? low + 1 : low;
  weights[low] = (weights[low] ?? NaN) + 1 - (source - low);
  weights[high] = (weights[high] ?? NaN) + source - low;
  return weights;
}

/** Maps `[samples, height * width]` of another size, in float64. */
export function resizeMaps(
  x: Float64Array,
  { from: [height, width], to, resize }: { from: MapSize; to: MapSize; resize: Resize },
): Float64Array {
  const [rows, columns] = [[height, to[0]], [width, to[1]]].map(([before = NaN, after = NaN]) =>
    Array.from({ length: after }, (_, o) => weightsOf(o, { before, after, resize }))
  );
  const samples = x.length / (height * width);
  return Float64Array.from(
    Array.from({ length: samples }, (_, n) => x.subarray(n * height * width)).flatMap((map) =>
      (rows ?? []).flatMap((wy) =>
        (columns ?? []).map((wx) => {
          let total = 0;
          wy.forEach((a, iy) =>
            wx.forEach((b, ix) => total += a * b * (map[iy * width + ix] ?? NaN))
          );
          return total;
        })
      )
    ),
  );
}
