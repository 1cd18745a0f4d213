import type { BatchSource, LoadedBatch } from "../../lib/train/batch_source.ts";
import { batchAt, orderOf, type Share, stepsPerEpoch } from "../../lib/train/batches.ts";
import type { ImageSet } from "../../lib/train/image_set.ts";

/** A source of a set in memory, in the order that a resident feed draws, and what was asked of it. */
export class ArraySource implements BatchSource {
  readonly classes: readonly string[];
  readonly skipped = new Map<string, string>();
  readonly taken: number[] = [];
  waitedSeconds = 0;
  held = 0;

  constructor(
    readonly set: ImageSet,
    readonly options: {
      batchSize: number;
      split: "train" | "test";
      seed: number;
      share?: Share | undefined;
    },
  ) {
    this.classes = Array.from({ length: set.classes }, (_, at) => `class ${at}`);
  }

  get #images() {
    return this.set[this.options.split];
  }

  get count(): number {
    return this.#images.count;
  }

  get size(): number {
    return this.set.size;
  }

  get mean() {
    return this.set.mean;
  }

  get std() {
    return this.set.std;
  }

  get batchSize(): number {
    return this.options.batchSize;
  }

  get share(): Share | undefined {
    return this.options.share;
  }

  get #batching() {
    return { count: this.count, batchSize: this.batchSize, shuffle: true, share: this.share };
  }

  get stepsPerEpoch(): number {
    return stepsPerEpoch(this.#batching);
  }

  take(step: number): Promise<LoadedBatch> {
    this.taken.push(step);
    this.held++;
    const epoch = Math.floor(step / this.stepsPerEpoch) + 1;
    const { start, size } = batchAt(step, this.#batching);
    const images = Math.max(1, size);
    const { split, seed } = this.options;
    const order = orderOf(epoch, { count: this.count, shuffle: split === "train", seed });
    const indices = order.slice(start, start + images);
    const bytes = 3 * this.size ** 2;
    const pixels = new Uint8Array(new SharedArrayBuffer(bytes * images));
    indices.forEach((index, at) => {
      pixels.set(this.#images.pixels.subarray(index * bytes, (index + 1) * bytes), at * bytes);
    });
    const labels = indices.map((index) => this.#images.labels[index] ?? 0);
    const release = () => {
      this.held--;
      pixels.fill(0);
    };
    return Promise.resolve({ step, epoch, images, pixels, labels, indices, release });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
