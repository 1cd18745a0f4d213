/** The sizes of a convolution: `[n, height, width, channels]` and `[height, width, inputs, outputs]`. */
export interface Convolution {
  readonly x: readonly [number, number, number, number];
  readonly w: readonly [number, number, number, number];
  readonly stride: number;
  readonly padding: number;
}

/** The shape of a convolution's output. */
export function convolvedShape({ x, w, stride, padding }: Convolution) {
  const out = (side: number, kernel: number) =>
    Math.floor((side + 2 * padding - kernel) / stride) + 1;
  return [x[0], out(x[1], w[0]), out(x[2], w[1]), w[3]] as const;
}

/**
 * Convolution in float64, one output at a time:
 * y[n, q, p, o] = b[o] + sum of x[n, q s - pad + j, p s - pad + i, c] w[j, i, c, o].
 */
export function convolve(
  { x, w, b }: { x: Float64Array; w: Float64Array; b?: Float64Array },
  sizes: Convolution,
): Float64Array {
  const { x: [, height, width, inputs], w: [rows, columns, , outputs], stride, padding } = sizes;
  const [n, outHeight, outWidth] = convolvedShape(sizes);
  const y = new Float64Array(n * outHeight * outWidth * outputs);
  for (let at = 0; at < y.length; at++) {
    const o = at % outputs;
    const p = Math.floor(at / outputs) % outWidth;
    const q = Math.floor(at / outputs / outWidth) % outHeight;
    const image = Math.floor(at / outputs / outWidth / outHeight);
    let total = b === undefined ? 0 : b[o] ?? NaN;
    for (let j = 0; j < rows; j++) {
      const iy = q * stride - padding + j;
      if (iy < 0 || iy >= height) continue;
      for (let i = 0; i < columns; i++) {
        const ix = p * stride - padding + i;
        if (ix < 0 || ix >= width) continue;
        for (let c = 0; c < inputs; c++) {
          const pixel = x[((image * height + iy) * width + ix) * inputs + c] ?? NaN;
          total += pixel * (w[((j * columns + i) * inputs + c) * outputs + o] ?? NaN);
        }
      }
    }
    y[at] = total;
  }
  return y;
}
