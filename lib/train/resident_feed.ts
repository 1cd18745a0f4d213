import type { Gpu } from "../gpu/device.ts";
import type { RealType } from "../gpu/dtype.ts";
import { StepValues } from "../gpu/step_values.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { imageBatch, type ImageStore } from "../ops/images.ts";
import { batchAt, type Batching, orderOf, type Share } from "./batches.ts";
import type { FedBatch, ImageFeed } from "./feed.ts";
import { freeImages } from "./image_store.ts";

/** What happens to the training images: reflect-pad, random crop and flip. */
export interface Augmentation {
  /** Reflected pixels around the image before the crop. */
  readonly padding: number;
  /** Whether half of the images are mirrored. */
  readonly flips: boolean;
}

/** Which images of a store come when, and what happens to them. */
export interface ResidentFeedOptions {
  /** Images of a batch. */
  readonly batchSize: number;
  /**
   * `drawn` anew each epoch; `file`, in the store's order, with a short batch at the end of an epoch; or `endless`, in
   * the store's order in full batches that run on across the end.
   */
  readonly order: "drawn" | "file" | "endless";
  /** Seed of order and augmentation. Default: 0. */
  readonly seed?: number;
  /** The augmentation. Default: none. */
  readonly augment?: Augmentation;
  /** Whether the store is freed with the feed. Default: false. */
  readonly ownsStore?: boolean;
  /** The part of each batch that is made here. Default: all of it. */
  readonly share?: Share | undefined;
}

/** Batches of images that stay on the GPU: a step uploads nothing but its place in the order. */
export class ResidentFeed implements ImageFeed {
  readonly batching: Batching;
  readonly mostInFlight: number = Infinity;
  readonly waitedSeconds: number = 0;
  readonly #values: StepValues<"start" | "epoch">;
  readonly #order: Tensor;

  /** Prepares to go over a store. */
  constructor(
    gpu: Gpu,
    /** The images. */
    readonly store: ImageStore,
    /** Which of them come when. */
    readonly options: ResidentFeedOptions,
  ) {
    const { count } = store;
    const { batchSize, order, share } = options;
    this.batching = { count, batchSize, shuffle: order !== "endless", share };
    this.#values = new StepValues(gpu, ["start", "epoch"]);
    this.#order = gpu.tensor(orderOf(0, { count, shuffle: false, seed: 0 }), [count], {
      label: "order of the epoch",
      dtype: "u32",
    });
  }

  record(batch: number, { dtype }: { dtype: RealType }): FedBatch {
    const { seed = 0, augment = { padding: 0, flips: false } } = this.options;
    return imageBatch(this.store, {
      batch,
      order: this.#order,
      start: this.#values.at("start"),
      epoch: this.#values.at("epoch"),
      seed,
      ...augment,
      dtype,
    });
  }

  beginEpoch(epoch: number): void {
    const { order, seed = 0 } = this.options;
    const { count } = this.store;
    if (order === "drawn") this.#order.write(orderOf(epoch, { count, shuffle: true, seed }));
    this.#values.setInteger("epoch", epoch);
  }

  load(batch: number): Promise<number> {
    const { start, size } = batchAt(batch, this.batching);
    this.#values.setInteger("start", start);
    this.#values.upload();
    return Promise.resolve(size);
  }

  /** Frees the order, and the store if it is the feed's own. */
  [Symbol.dispose](): void {
    if (this.options.ownsStore === true) freeImages(this.store);
    this.#values[Symbol.dispose]();
    this.#order[Symbol.dispose]();
  }
}
