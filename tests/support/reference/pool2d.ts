/** The sizes of a pooling. */
export interface Pooling {
  readonly x: readonly [number, number, number, number];
  readonly size: number;
  readonly stride: number;
  readonly padding: number;
  /** Whether the number of windows is rounded up. Default: false. */
  readonly ceil?: boolean;
}

/** Poolings with odd sides and channels, gaps between windows, padding and a rounded-up number of windows. */
export const POOLINGS: readonly Pooling[] = [
  { x: [2, 5, 7, 5], size: 3, stride: 2, padding: 1 },
  { x: [1, 9, 8, 24], size: 2, stride: 2, padding: 0 },
  { x: [1, 7, 8, 1], size: 2, stride: 3, padding: 1 },
  { x: [2, 8, 7, 5], size: 3, stride: 2, padding: 0, ceil: true },
  { x: [1, 8, 7, 4], size: 3, stride: 2, padding: 1, ceil: true },
  { x: [1, 5, 2, 1], size: 3, stride: 2, padding: 0, ceil: true },
];

/** The shape of a pooling's output. */
export function pooledShape({ x, size, stride, padding, ceil = false }: Pooling) {
  const out = (side: number) => {
    let windows = 0;
    for (let start = -padding; start < side; start += stride) {
      const isWhole = start + size <= side + padding;
      const isNeeded = start - stride + size < side + padding;
      if (isWhole || (ceil && isNeeded)) windows++;
    }
    return windows;
  };
  return [x[0], out(x[1]), out(x[2]), x[3]] as const;
}

/**
 * The values inside of each window and the number of its pixels, padding included, for `reduce` to turn into one
 * output.
 */
export function pool(
  x: Float64Array,
  sizes: Pooling,
  reduce: (window: readonly number[], pixels: number) => number,
): Float64Array {
  const { x: [, height, width, channels], size, stride, padding } = sizes;
  const [n, outHeight, outWidth] = pooledShape(sizes);
  return Float64Array.from({ length: n * outHeight * outWidth * channels }, (_, at) => {
    const c = at % channels;
    const left = Math.floor(at / channels) % outWidth * stride - padding;
    const top = Math.floor(at / channels / outWidth) % outHeight * stride - padding;
    const image = Math.floor(at / channels / outWidth / outHeight);
    const window: number[] = [];
    for (let iy = Math.max(top, 0); iy < Math.min(top + size, height); iy++) {
      for (let ix = Math.max(left, 0); ix < Math.min(left + size, width); ix++) {
        window.push(x[((image * height + iy) * width + ix) * channels + c] ?? NaN);
      }
    }
    const rows = Math.min(top + size, height + padding) - top;
    const columns = Math.min(left + size, width + padding) - left;
    return reduce(window, rows * columns);
  });
}
