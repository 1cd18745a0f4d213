import type { Geometry } from "./geometry.ts";

type Sizes = readonly [number, number, number, number];

/** The four indices of a place in C order. */
function indicesOf(place: number, [, height, width, channels]: Sizes): Sizes {
  const pixel = Math.floor(place / channels);
  const row = Math.floor(pixel / width);
  return [Math.floor(row / height), row % height, pixel % width, place % channels];
}

function at(values: Float32Array, sizes: Sizes, indices: Sizes): number {
  const place = indices.reduce((sum, index, axis) => sum * (sizes[axis] ?? 1) + index, 0);
  return values[place] ?? NaN;
}

/** The sum over the taps of a window, each with its partner's row and column. */
function overTaps(
  [height, width]: Sizes,
  partner: (tap: { ky: number; kx: number }) => number,
): number {
  let sum = 0;
  for (let ky = 0; ky < height; ky++) {
    for (let kx = 0; kx < width; kx++) sum += partner({ ky, kx });
  }
  return sum;
}

/**
 * Some values of a convolution in double precision.
 *
 * @param geometry The sizes.
 * @param x What is convolved, dense.
 * @param w The weights, dense.
 * @param places Where in the result, in C order.
 */
export function exactForward(
  { x: xSizes, w: wSizes, y: ySizes, stride, padding }: Geometry,
  { x, w, places }: { x: Float32Array; w: Float32Array; places: readonly number[] },
): number[] {
  const [, height, width, inputs] = xSizes;
  return places.map((place) => {
    const [n, oy, ox, output] = indicesOf(place, ySizes);
    return overTaps(wSizes, ({ ky, kx }) => {
      const [iy, ix] = [oy * stride + ky - padding, ox * stride + kx - padding];
      if (iy < 0 || iy >= height || ix < 0 || ix >= width) return 0;
      let sum = 0;
      for (let input = 0; input < inputs; input++) {
        sum += at(x, xSizes, [n, iy, ix, input]) * at(w, wSizes, [ky, kx, input, output]);
      }
      return sum;
    });
  });
}

/**
 * Some values of an input gradient in double precision.
 *
 * @param geometry The sizes.
 * @param dy The gradient of the result, dense.
 * @param w The weights, dense.
 * @param places Where in the gradient, in C order.
 */
export function exactInputGradient(
  { x: xSizes, w: wSizes, y: ySizes, stride, padding }: Geometry,
  { dy, w, places }: { dy: Float32Array; w: Float32Array; places: readonly number[] },
): number[] {
  const [, height, width, outputs] = ySizes;
  return places.map((place) => {
    const [n, iy, ix, input] = indicesOf(place, xSizes);
    return overTaps(wSizes, ({ ky, kx }) => {
      const [oy, ox] = [(iy + padding - ky) / stride, (ix + padding - kx) / stride];
      const isThere = Number.isInteger(oy) && Number.isInteger(ox) && oy >= 0 && oy < height &&
        ox >= 0 && ox < width;
      if (!isThere) return 0;
      let sum = 0;
      for (let output = 0; output < outputs; output++) {
        sum += at(dy, ySizes, [n, oy, ox, output]) * at(w, wSizes, [ky, kx, input, output]);
      }
      return sum;
    });
  });
}
