import type { Share } from "./batches.ts";

/** Images and labels of one step, as bytes. */
export interface LoadedBatch {
  /** The step, from 0, counted from the start of the run. */
  readonly step: number;
  /** The epoch that it belongs to, from 1. */
  readonly epoch: number;
  /** The number of images. */
  readonly images: number;
  /** Planar pixels, `[images, 3, size, size]`: red, green, blue, each row by row. Valid until `release`. */
  readonly pixels: Uint8Array;
  /** Classes, `[images]`. */
  readonly labels: Uint32Array<ArrayBuffer>;
  /** The place of each image in the set: with seed and epoch it decides what augmentation does, `[images]`. */
  readonly indices: Uint32Array<ArrayBuffer>;
  /** Gives the memory of `pixels` back, for a later batch. */
  release(): void;
}

/** A set of images too large for the GPU, of which batches are prepared ahead of the step that wants them. */
export interface BatchSource extends AsyncDisposable {
  /** The images of an epoch. */
  readonly count: number;
  /** The names of the classes. */
  readonly classes: readonly string[];
  /** Height and width of an image, in pixels. */
  readonly size: number;
  /** What normalising subtracts from red, green and blue, on the scale of the bytes. */
  readonly mean: readonly [number, number, number];
  /** What normalising then divides red, green and blue by, on the scale of the bytes. */
  readonly std: readonly [number, number, number];
  /** Images of a full batch; the last of an epoch may have fewer. */
  readonly batchSize: number;
  /** The part of each batch that it gives, at least one image of. Default: all of it. */
  readonly share?: Share | undefined;
  /** The steps of an epoch. */
  readonly stepsPerEpoch: number;
  /** The seconds that {@link BatchSource.take} has waited for images since it was made. */
  readonly waitedSeconds: number;
  /** Images left out so far, with what is wrong with each. */
  readonly skipped: ReadonlyMap<string, string>;
  /**
   * Waits for the batch of a step. Steps taken one after the other have been prepared ahead; any other step, such as
   * the first after a resumed run, is begun anew.
   *
   * @param step The step, from 0.
   * @throws {Error} If an image cannot be read.
   */
  take(step: number): Promise<LoadedBatch>;
}
