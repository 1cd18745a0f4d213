import type { Gpu } from "../gpu/device.ts";
import type { ImageFeed } from "./feed.ts";
import type { ImageSet, StreamedSet } from "./image_set.ts";
import { storeImages } from "./image_store.ts";
import { ResidentFeed } from "./resident_feed.ts";
import type { Share } from "./batches.ts";
import type { StepOptions } from "./step_options.ts";
import { StreamedFeed } from "./streamed_feed.ts";

/** The images of one training batch, where the batches of a step are accumulated. */
function batchSizeOf(
  { batchSize = 128, accumulate = 1 }: Pick<StepOptions, "batchSize" | "accumulate">,
): number {
  if (Number.isInteger(accumulate) && accumulate >= 1 && batchSize % accumulate === 0) {
    return batchSize / accumulate;
  }
  throw new RangeError(
    `Cannot divide a step of ${batchSize} images into ${accumulate} batches: wanted a number that divides it`,
  );
}

/**
 * Opens the feed of the images to train on: a set in memory goes to the GPU whole.
 *
 * @throws {RangeError} If a step cannot be divided into as many batches as it shall accumulate.
 */
export function openTrainingFeed(
  gpu: Gpu,
  data: ImageSet | StreamedSet,
  options: StepOptions,
): ImageFeed {
  const batchSize = batchSizeOf(options);
  if ("sources" in data) {
    const { train } = data.sources;
    const isFitting = options.batchSize === undefined || train.batchSize === batchSize;
    const { augment = "none" } = data;
    if (isFitting) return new StreamedFeed(gpu, train, { augment, seed: options.seed ?? 0 });
    throw new RangeError(
      `Cannot train on ${data.name} with batches of ${batchSize}: wanted a source of such batches, found one of ${train.batchSize}`,
    );
  }
  const { shuffle = true, seed = 0, augment = { padding: 4, flips: true } } = options;
  const order = shuffle ? "drawn" : "endless";
  const store = storeImages(gpu, { images: data.train, set: data });
  const share = options.world;
  return new ResidentFeed(gpu, store, { batchSize, order, seed, augment, share, ownsStore: true });
}

/** Opens the feed of the images to test on, in their order. */
export function openTestFeed(
  gpu: Gpu,
  data: ImageSet | StreamedSet,
  options: {
    readonly batchSize?: number;
    readonly accumulate?: number;
    readonly world?: Share | undefined;
  },
): ImageFeed {
  if ("sources" in data) return new StreamedFeed(gpu, data.sources.test);
  const store = storeImages(gpu, { images: data.test, set: data });
  const batchSize = batchSizeOf(options);
  const share = options.world;
  return new ResidentFeed(gpu, store, { batchSize, order: "file", share, ownsStore: true });
}
