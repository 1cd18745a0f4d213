import type { Gpu } from "../gpu/device.ts";
import type { RealType } from "../gpu/dtype.ts";
import { type StepValue, StepValues } from "../gpu/step_values.ts";
import { Tensor } from "../gpu/tensor.ts";
import { augment } from "../ops/augment.ts";
import { imageBatch } from "../ops/images.ts";
import type { BatchSource, LoadedBatch } from "./batch_source.ts";

/** What happens to uploaded images. */
export interface UploadedOptions {
  /** The number of images: a full batch or fewer. */
  readonly batch: number;
  /** `full` for colour jitter and lighting; otherwise the images are only normalised. */
  readonly augment: "none" | "full";
  /** The epoch, an integer: with the seed and the image it decides the colours. */
  readonly epoch: StepValue;
  /** The seed of the colours. */
  readonly seed: number;
  /** What one number of the images is. Default: float32. */
  readonly dtype?: RealType;
}

/**
 * The place on the GPU that batches are uploaded to, step by step.
 *
 * An upload does not wait for the GPU: the queue takes a copy at once and moves it over in turn, after the steps that
 * were submitted before. So the next batch is on its way while a step runs, and what a batch lies in can be released.
 */
export class BatchUpload implements Disposable {
  readonly #pixels: Tensor;
  readonly #labels: Tensor;
  readonly #indices: Tensor;
  readonly #order: Tensor;
  readonly #values: StepValues<"start">;

  /**
   * Makes room for a full batch.
   *
   * @param gpu The device.
   * @param source Where the batches come from.
   */
  constructor(
    /** The device. */
    readonly gpu: Gpu,
    /** Where the batches come from. */
    readonly source: Pick<BatchSource, "batchSize" | "size" | "mean" | "std">,
  ) {
    const { batchSize, size } = source;
    const words = Math.ceil(3 * size ** 2 * batchSize / 4);
    const zeros = (shape: number[], label: string) => gpu.zeros(shape, { label, dtype: "u32" });
    this.#pixels = zeros([words], "uploaded pixels");
    this.#labels = zeros([batchSize], "uploaded labels");
    this.#indices = zeros([batchSize], "uploaded indices");
    const order = Array.from({ length: batchSize }, (_, at) => at);
    this.#order = gpu.tensor(order, [batchSize], { label: "order of the upload", dtype: "u32" });
    this.#values = new StepValues(gpu, ["start"]);
  }

  /**
   * Uploads a batch, for the next step that is submitted.
   *
   * @param batch The batch; it may be released as soon as this returns.
   */
  write({ pixels, labels, indices }: LoadedBatch): void {
    const rest = pixels.length % 4;
    const whole = pixels.length - rest;
    this.#send(this.#pixels, pixels.subarray(0, whole));
    if (rest > 0) {
      const word = new Uint8Array(4);
      word.set(pixels.subarray(whole));
      this.#send(this.#pixels, word, whole);
    }
    this.#send(this.#labels, labels);
    this.#send(this.#indices, indices);
  }

  #send({ storage }: Tensor, bytes: Uint8Array | Uint32Array, at = 0): void {
    const { buffer, offset } = storage.range;
    // WebGPU and Deno take shared memory here; Deno's declaration leaves it out.
    this.gpu.device.queue.writeBuffer(buffer, offset + at, bytes as BufferSource);
  }

  /**
   * Turns the uploaded bytes into activations, within a program or by itself.
   *
   * @param options How many, and what happens to them.
   * @returns The images, `[batch, size, size, 3]`, and their labels, u32, `[batch]`.
   */
  images(
    { batch, augment: kind, epoch, seed, dtype = "f32" }: UploadedOptions,
  ): { x: Tensor; labels: Tensor } {
    const { size, mean, std, batchSize } = this.source;
    if (kind === "full") {
      const options = { batch, size, indices: this.#indices, epoch, seed, mean, std, dtype };
      const labels = new Tensor(this.gpu, [batch], this.#labels.storage, "u32");
      return { x: augment(this.#pixels, options), labels };
    }
    const shard = { first: 0, count: batchSize, pixels: this.#pixels };
    return imageBatch(
      { count: batchSize, size, shards: [shard], labels: this.#labels, mean, std },
      {
        batch,
        order: this.#order,
        start: this.#values.at("start"),
        epoch,
        seed,
        padding: 0,
        flips: false,
        dtype,
      },
    );
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    const held = [this.#pixels, this.#labels, this.#indices, this.#order, this.#values];
    for (const one of held) one[Symbol.dispose]();
  }
}
