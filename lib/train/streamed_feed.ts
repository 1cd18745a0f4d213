import type { Gpu } from "../gpu/device.ts";
import type { RealType } from "../gpu/dtype.ts";
import { StepValues } from "../gpu/step_values.ts";
import type { Batching } from "./batches.ts";
import type { BatchSource } from "./batch_source.ts";
import { BatchUpload, type UploadedOptions } from "./batch_upload.ts";
import type { FedBatch, ImageFeed } from "./feed.ts";

/** What happens to the images of a {@link StreamedFeed}. */
export interface StreamedFeedOptions {
  /** `full` for colour jitter and lighting. Default: normalisation alone. */
  readonly augment?: UploadedOptions["augment"];
  /** The seed of the colours. Default: 0. */
  readonly seed?: number;
}

/** The bytes of batches that may be on their way at once, where that is more than two of them. */
const BYTES_IN_FLIGHT = 64 * 2 ** 20;

/**
 * Batches that a source prepares ahead of the step: each is uploaded right before the step that sees it, into the same
 * buffers, since the queue keeps uploads and steps in order.
 */
export class StreamedFeed implements ImageFeed {
  readonly batching: Batching;
  readonly mostInFlight: number;
  readonly #upload: BatchUpload;
  readonly #values: StepValues<"epoch">;
  #loaded: { batch: number; images: number } | null = null;

  /**
   * Makes room for one batch.
   *
   * @param gpu The device.
   * @param source Where the batches come from; it stays the caller's.
   * @param options What happens to the images.
   */
  constructor(
    gpu: Gpu,
    /** Where the batches come from. */
    readonly source: BatchSource,
    /** What happens to the images. */
    readonly options: StreamedFeedOptions = {},
  ) {
    const { count, batchSize, size, share } = source;
    this.batching = { count, batchSize, shuffle: true, share };
    this.mostInFlight = Math.max(2, Math.floor(BYTES_IN_FLIGHT / (3 * size * size * batchSize)));
    this.#upload = new BatchUpload(gpu, source);
    this.#values = new StepValues(gpu, ["epoch"]);
  }

  get waitedSeconds(): number {
    return this.source.waitedSeconds;
  }

  record(batch: number, { dtype }: { dtype: RealType }): FedBatch {
    const { augment = "none", seed = 0 } = this.options;
    return this.#upload.images({ batch, augment, epoch: this.#values.at("epoch"), seed, dtype });
  }

  beginEpoch(epoch: number): void {
    this.#values.setInteger("epoch", epoch);
    this.#values.upload();
  }

  async load(batch: number): Promise<number> {
    if (this.#loaded?.batch === batch) return this.#loaded.images;
    const taken = await this.source.take(batch);
    this.#upload.write(taken);
    this.#loaded = { batch, images: taken.images };
    taken.release();
    return taken.images;
  }

  /** Frees the room. */
  [Symbol.dispose](): void {
    this.#upload[Symbol.dispose]();
    this.#values[Symbol.dispose]();
  }
}
