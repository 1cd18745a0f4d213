import type { BatchSource, LoadedBatch } from "../../lib/train/batch_source.ts";
import {
  batchAt,
  type Batching,
  orderOf,
  type Share,
  stepsPerEpoch,
} from "../../lib/train/batches.ts";
import type { ImageList, ImagePlace } from "../image_list.ts";
import type { TrainingCrop } from "../pictures/view.ts";
import { shownPath } from "../reason_of.ts";
import type { DecodePool } from "./decode_pool.ts";
import { orderInRuns } from "./order_in_runs.ts";

/** What a loader does with its images. */
export interface ImageLoaderOptions {
  /** The workers. */
  readonly pool: DecodePool;
  /** Height and width of the result, in pixels. */
  readonly size: number;
  /** Images of a batch. */
  readonly batchSize: number;
  /**
   * Whether the images are trained on: an order drawn anew each epoch, random crops and flips. Otherwise the order is
   * that of the list, and the centre of the resized image is taken.
   */
  readonly training: boolean;
  /**
   * What is trained on: a random part of 8 to 100 % of the area, `resized`, or a `random` square of the image, whose
   * shorter side has been resized to 8/7 of `size`. Default: `resized`.
   */
  readonly crop?: TrainingCrop;
  /** The seed of order, crops and flips. Default: 0. */
  readonly seed?: number;
  /** The part of each batch that is made. Default: all of it. */
  readonly share?: Share | undefined;
  /** Batches that are prepared ahead. Default: 3. */
  readonly ahead?: number;
  /** The steps of the run: none is prepared from there on. */
  readonly steps?: number;
  /**
   * What happens where an image cannot be decoded: an error that names it, or the next image of the list that can be
   * takes its place, label and all.
   */
  readonly onBad?: "error" | "skip";
}

/** Images of a request to a worker. */
const IMAGES_A_REQUEST = 4;

interface Prepared {
  readonly step: number;
  readonly batch: Promise<LoadedBatch>;
}

/**
 * Reads, decodes and crops images in workers, batches ahead of the step that takes them. Which images a batch has and
 * what of them depends on seed, epoch and image alone: any number of workers gives the same bytes.
 */
export class ImageLoader implements BatchSource {
  /** The mean of ImageNet's red, green and blue. */
  readonly mean = [0.485 * 255, 0.456 * 255, 0.406 * 255] as const;
  /** The standard deviation of ImageNet's red, green and blue. */
  readonly std = [0.229 * 255, 0.224 * 255, 0.225 * 255] as const;
  readonly #batching: Batching;
  readonly #queue: Prepared[] = [];
  readonly #free: SharedArrayBuffer[] = [];
  readonly #skipped = new Map<string, string>();
  readonly #orders = new Map<number, Uint32Array>();
  #next = 0;
  #waited = 0;
  #closed = false;

  /**
   * Prepares to load; nothing is read before the first {@link ImageLoader.take}.
   *
   * @param list The images.
   * @param options What is made of them.
   */
  constructor(
    /** The images. */
    readonly list: ImageList,
    /** What is made of them. */
    readonly options: ImageLoaderOptions,
  ) {
    const { batchSize, share } = options;
    this.#batching = { count: list.count, batchSize, shuffle: true, share };
  }

  /** The images of an epoch. */
  get count(): number {
    return this.list.count;
  }

  /** The names of the classes. */
  get classes(): readonly string[] {
    return this.list.classes;
  }

  /** Height and width of an image, in pixels. */
  get size(): number {
    return this.options.size;
  }

  /** Images of a full batch. */
  get batchSize(): number {
    return this.options.batchSize;
  }

  /** The part of each batch that is made. */
  get share(): Share | undefined {
    return this.options.share;
  }

  /** The steps of an epoch. */
  get stepsPerEpoch(): number {
    return stepsPerEpoch(this.#batching);
  }

  /** The seconds that {@link ImageLoader.take} has waited. */
  get waitedSeconds(): number {
    return this.#waited;
  }

  /** Images left out so far, with what is wrong with each. */
  get skipped(): ReadonlyMap<string, string> {
    return this.#skipped;
  }

  /** Waits for the batch of a step, and prepares those that follow. */
  async take(step: number): Promise<LoadedBatch> {
    if (this.#queue[0]?.step !== step) this.#restart(step);
    this.#prepare();
    const prepared = this.#queue.shift();
    if (this.#closed || prepared === undefined) {
      throw new RangeError(
        `Cannot load step ${step}: it must be below ${this.#end}, on an open loader`,
      );
    }
    this.#prepare();
    const began = performance.now();
    try {
      return await prepared.batch;
    } finally {
      this.#waited += (performance.now() - began) / 1000;
    }
  }

  get #end(): number {
    return this.options.steps ?? (this.options.training ? Infinity : this.stepsPerEpoch);
  }

  #restart(step: number): void {
    for (const { batch } of this.#queue.splice(0)) {
      batch.then((dropped) => dropped.release(), () => {});
    }
    this.#next = step;
  }

  #prepare(): void {
    const { ahead = 3 } = this.options;
    while (!this.#closed && this.#queue.length < Math.max(1, ahead) && this.#next < this.#end) {
      const step = this.#next++;
      const batch = this.#load(step);
      // Whoever takes it throws what went wrong.
      batch.catch(() => {});
      this.#queue.push({ step, batch });
    }
  }

  async #load(step: number): Promise<LoadedBatch> {
    const epoch = Math.floor(step / this.stepsPerEpoch) + 1;
    const { start, size } = batchAt(step, this.#batching);
    const images = Math.max(1, size); // a rank that has none makes one that does not count
    const indices = this.#order(epoch).slice(start, start + images);
    const bytes = 3 * this.size ** 2;
    const into = this.#free.pop() ??
      new SharedArrayBuffer(4 * Math.ceil(bytes * this.batchSize / 4));
    const places = Array.from(indices, (_, at) => at);
    const groups = Array.from(
      { length: Math.ceil(images / IMAGES_A_REQUEST) },
      (_, at) => places.slice(at * IMAGES_A_REQUEST, (at + 1) * IMAGES_A_REQUEST),
    );
    await Promise.all(groups.map((group) => this.#fill(group, { epoch, indices, into })));
    let isHeld = true;
    return {
      step,
      epoch,
      images,
      pixels: new Uint8Array(into, 0, bytes * images),
      labels: indices.map((index) => this.list.labels[index] ?? 0),
      indices,
      release: () => {
        if (isHeld) this.#free.push(into);
        isHeld = false;
      },
    };
  }

  /** Makes the images at some places of a batch; those that cannot be made are replaced until all are there. */
  async #fill(
    places: readonly number[],
    { epoch, indices, into }: { epoch: number; indices: Uint32Array; into: SharedArrayBuffer },
  ): Promise<void> {
    const { pool, size, training, crop = "resized", seed = 0 } = this.options;
    let left = places;
    for (let tries = 0; left.length > 0; tries++) {
      const orders = left.map((at) => {
        const index = indices[at] ?? 0;
        const key = training ? [seed, epoch, index] : null;
        return { ...this.list.place(index), at, key };
      });
      const { faults } = await pool.run({ into, size, crop, orders });
      for (const { at, reason } of faults) this.#refuse(indices[at] ?? 0, { reason, tries });
      for (const { at } of faults) indices[at] = ((indices[at] ?? 0) + 1) % this.count;
      left = faults.map(({ at }) => at);
    }
  }

  #refuse(index: number, { reason, tries }: { reason: string; tries: number }): void {
    const name = nameOf(this.list.place(index));
    const { onBad = "error" } = this.options;
    this.#skipped.set(name, reason);
    if (onBad === "skip" && tries + 1 < this.count) return;
    throw new Error(`Cannot decode ${name}: ${reason}`);
  }

  #order(epoch: number): Uint32Array {
    const { training, seed = 0 } = this.options;
    const { count, run } = this.list;
    const found = this.#orders.get(epoch);
    if (found !== undefined) return found;
    const order = training && run > 1
      ? orderInRuns(epoch, { count, run, seed })
      : orderOf(epoch, { count, shuffle: training, seed });
    this.#orders.set(epoch, order);
    for (const old of this.#orders.keys()) if (this.#orders.size > 2) this.#orders.delete(old);
    return order;
  }

  /** Stops preparing; the pool goes on. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#restart(0);
    return Promise.resolve();
  }
}

function nameOf({ path, span }: ImagePlace): string {
  const file = shownPath(path);
  return span === null ? file : `the image at byte ${span.offset} of ${file}`;
}
