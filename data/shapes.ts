import type { Images, ImageSet } from "../lib/train/image_set.ts";
import { Draws } from "../lib/random.ts";
import { drawScene, FIGURES } from "./shapes/scene.ts";

/** What scenes are drawn at. */
const DRAWN_SIZE = 32;
/** Mean and standard deviation of the 1,000 training images of seed 0, by their height and width. */
const STATISTICS = {
  16: { mean: [88.2, 87.6, 87.4], std: [50.8, 50.8, 50.9] },
  32: { mean: [88.1, 87.5, 87.2], std: [53.5, 53.4, 53.6] },
} as const;
const MOST_IMAGES = 1_000_000;
const SPLITS = { train: 0, test: 1 };
const PURPOSES = { order: 0, scene: 1 };

/** Which set of shapes to draw. */
export interface ShapesOptions {
  /** Height and width in pixels, 16 or 32; the smaller images are the larger ones, averaged two by two. Default: 32. */
  readonly size?: 16 | 32;
  /** What the images are drawn from, a whole number from 0 to 4294967295; 0 by default. */
  readonly seed?: number;
  /** Number of training images; 1,000 by default. */
  readonly train?: number;
  /** Number of test images; 500 by default. */
  readonly test?: number;
}

/**
 * Draws a set of 32x32 or 16x16 images of ten classes: circle, triangle, square, star and cross, each filled
 * (even labels) and as an outline (odd labels), in any colour, place, size and turn, among clutter
 * and noise.
 *
 * An image depends on the seed, the split and its index alone, so a larger set begins with the
 * smaller one. Each ten images from the first on hold every class once, in random order.
 *
 * @param options The size, the seed and the number of images.
 * @returns The set; its mean and standard deviation are those of the 1,000 training images of seed 0.
 * @throws {RangeError} If the size is neither, or the seed or a number of images is not a whole number in its range.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const { train, test } = shapes({ train: 20, test: 10 });
 * assert.equal(train.pixels.length, 20 * 3 * 32 * 32);
 * assert.deepEqual([...test.labels].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
 * ```
 */
export function shapes(
  { size = 32, seed = 0, train = 1000, test = 500 }: ShapesOptions = {},
): ImageSet {
  if (!(size in STATISTICS)) {
    throw new RangeError(`Cannot draw shapes: the size must be 16 or 32, found ${size}`);
  }
  check(seed, { name: "the seed", low: 0, high: 2 ** 32 - 1 });
  check(train, { name: "the number of training images", low: 1, high: MOST_IMAGES });
  check(test, { name: "the number of test images", low: 1, high: MOST_IMAGES });
  return {
    name: "shapes",
    classes: FIGURES,
    size,
    ...STATISTICS[size],
    train: drawSplit(train, { size, key: [seed, SPLITS.train] }),
    test: drawSplit(test, { size, key: [seed, SPLITS.test] }),
  };
}

function drawSplit(
  count: number,
  { size, key }: { readonly size: number; readonly key: readonly number[] },
): Images {
  const imageBytes = 3 * size * size;
  const pixels = new Uint8Array(count * imageBytes);
  const labels = new Uint8Array(count);
  for (let first = 0; first < count; first += FIGURES) {
    const order = new Draws(...key, PURPOSES.order, first).order(FIGURES);
    labels.set(order.slice(0, count - first), first);
  }
  labels.forEach((label, index) => {
    const draws = new Draws(...key, PURPOSES.scene, index);
    const bytes = pixels.subarray(index * imageBytes, (index + 1) * imageBytes);
    drawScene(label, { size: DRAWN_SIZE, draws }).write(bytes, { shrink: DRAWN_SIZE / size });
  });
  return { count, pixels, labels };
}

function check(
  value: number,
  { name, low, high }: { readonly name: string; readonly low: number; readonly high: number },
): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new RangeError(
    `Cannot draw shapes: ${name} must be a whole number from ${low} to ${high}, found ${value}`,
  );
}
