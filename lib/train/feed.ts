import type { RealType } from "../gpu/dtype.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Batching } from "./batches.ts";

/** A batch as the ops of a step see it. */
export interface FedBatch {
  /** Normalised images, `[batch, size, size, 3]`. */
  readonly x: Tensor;
  /** Class numbers, u32, `[batch]`. */
  readonly labels: Tensor;
}

/** Where the batches of a training or an evaluation come from. */
export interface ImageFeed extends Disposable {
  /** How the images are cut into batches. */
  readonly batching: Batching;
  /** Batches that may be on their way to the GPU at once, so that their bytes do not pile up. */
  readonly mostInFlight: number;
  /** The seconds that {@link ImageFeed.load} has waited for images. */
  readonly waitedSeconds: number;
  /** Records the ops that make a batch. */
  record(images: number, options: { dtype: RealType }): FedBatch;
  /** Draws the order of an epoch. */
  beginEpoch(epoch: number): void;
  /**
   * Makes what {@link ImageFeed.record} recorded see a batch; what was submitted before still sees its own.
   *
   * @param batch The batch's number, counted from the start of the run.
   * @returns The number of its images.
   */
  load(batch: number): Promise<number>;
}
