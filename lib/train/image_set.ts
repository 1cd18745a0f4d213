import type { BatchSource } from "./batch_source.ts";

/** One split of an image set: pixels as bytes, and a class for each image. */
export interface Images {
  /** Number of images. */
  readonly count: number;
  /** Planar pixels, `[count, 3, size, size]`: red, green, blue, each row by row. */
  readonly pixels: Uint8Array;
  /** Classes, `[count]`. */
  readonly labels: Uint8Array;
}

/** Square colour images with labels, split into a training and a test set. */
export interface ImageSet {
  /** Name of the set, such as `CIFAR10`. */
  readonly name: string;
  /** Number of classes; every label is below it. */
  readonly classes: number;
  /** Height and width of an image, in pixels. */
  readonly size: number;
  /** What normalising subtracts from red, green and blue, on the scale of the bytes. */
  readonly mean: readonly [number, number, number];
  /** What normalising then divides red, green and blue by, on the scale of the bytes. */
  readonly std: readonly [number, number, number];
  /** The images to train on. */
  readonly train: Images;
  /** The images to test on. */
  readonly test: Images;
}

/** Images that do not fit the GPU, and come batch by batch. */
export interface StreamedSet {
  /** Name of the set, such as a folder's. */
  readonly name: string;
  /** Number of classes; every label is below it. */
  readonly classes: number;
  /** `full` for colour jitter and lighting of the training images. Default: normalisation alone. */
  readonly augment?: "none" | "full";
  /** Where the batches of each split come from. */
  readonly sources: {
    /** The batches to train on. */
    readonly train: BatchSource;
    /** The batches to test on. */
    readonly test: BatchSource;
  };
}

/** The number of images to train on. */
export function trainingCount(data: ImageSet | StreamedSet): number {
  return "sources" in data ? data.sources.train.count : data.train.count;
}

/** The number of images to test on. */
export function testCount(data: ImageSet | StreamedSet): number {
  return "sources" in data ? data.sources.test.count : data.test.count;
}

/**
 * Takes the first images of a split, without copying them.
 *
 * @param images The split.
 * @param n How many to take.
 * @returns The first `n` images, over the same memory.
 * @throws {RangeError} If `n` is not a whole number from 1 to `images.count`.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const images = { count: 2, pixels: new Uint8Array(2 * 3 * 4 * 4), labels: Uint8Array.of(7, 1) };
 * assert.deepEqual([...takeImages(images, 1).labels], [7]);
 * assert.equal(takeImages(images, 1).pixels.length, 3 * 4 * 4);
 * ```
 */
export function takeImages(images: Images, n: number): Images {
  if (!Number.isInteger(n) || n < 1 || n > images.count) {
    throw new RangeError(
      `Cannot take the first images: their number must be a whole number from 1 to ${images.count}, the number there are, found ${n}`,
    );
  }
  const stride = images.pixels.length / images.count;
  return {
    count: n,
    pixels: images.pixels.subarray(0, n * stride),
    labels: images.labels.subarray(0, n),
  };
}
