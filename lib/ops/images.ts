import source from "../../kernels/images.wgsl" with { type: "text" };
import type { RealType } from "../gpu/dtype.ts";
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { StepValue } from "../gpu/step_values.ts";
import type { Tensor } from "../gpu/tensor.ts";

const kernel = new Kernel("images", source);

/** A part of a set of images, kept as bytes. */
export interface ImageShard {
  /** The number of its first image. */
  readonly first: number;
  /** How many images it holds. */
  readonly count: number;
  /** The bytes, `[count, 3, size, size]`, four a u32 word. */
  readonly pixels: Tensor;
}

/** Images and labels on the GPU. */
export interface ImageStore {
  /** The number of images. */
  readonly count: number;
  /** The side of an image. */
  readonly size: number;
  /** The bytes, in as many parts as the adapter's largest binding asks for. */
  readonly shards: readonly ImageShard[];
  /** Class numbers, u32, `[count]`. */
  readonly labels: Tensor;
  /** Means of red, green and blue, in 0 to 255. */
  readonly mean: readonly [number, number, number];
  /** Standard deviations of red, green and blue, in 0 to 255. */
  readonly std: readonly [number, number, number];
}

/** Which images a batch takes and what happens to them. */
export interface BatchOptions {
  /** The number of images. */
  readonly batch: number;
  /** The order of the images, u32, `[count]`. */
  readonly order: Tensor;
  /** The batch's first place in the order, an integer. It runs on across the end. */
  readonly start: StepValue;
  /** The epoch, an integer: with the seed and the image it decides crop and flip. */
  readonly epoch: StepValue;
  /** The seed of crops and flips. */
  readonly seed: number;
  /** Reflected pixels around the image before a random crop of its size; 0 crops nothing. */
  readonly padding: number;
  /** Whether half of the images are mirrored. */
  readonly flips: boolean;
  /** What one number of the images is. Default: float32. */
  readonly dtype?: RealType;
}

/**
 * Makes a batch: reflect-pad, flip, crop and normalise, as the original's CIFAR transforms.
 *
 * @param store The set.
 * @param options Which images, and what happens to them.
 * @returns The images, `[batch, size, size, 3]`, and their labels, u32, `[batch]`.
 * @throws {RangeError} If the padding is not smaller than the image.
 */
export function imageBatch(
  store: ImageStore,
  { batch, order, start, epoch, seed, padding, flips, dtype = "f32" }: BatchOptions,
): { x: Tensor; labels: Tensor } {
  const { size, count, mean, std } = store;
  if (!(padding >= 0 && padding < size)) {
    throw new RangeError(
      `Cannot pad images by reflection: the padding must be 0 to ${size - 1}, found ${padding}`,
    );
  }
  const x = order.gpu.empty([batch, size, size, 3], { label: "images.x", dtype });
  const labels = order.gpu.empty([batch], { label: "images.labels", dtype: "u32" });
  const places = { batch, size, count, start_at: start.index, epoch_at: epoch.index, seed };
  const [[mean_r, mean_g, mean_b], [std_r, std_g, std_b]] = [mean, std];
  const normalisation = { mean_r, mean_g, mean_b, std_r, std_g, std_b };
  const bytes = batch * 3 * size * size + x.storage.bytes;
  for (const { first, count: held, pixels } of store.shards) {
    kernel.dispatch("batch_of_images", {
      read: [start.values, order, pixels],
      write: [x],
      constants: { ...places, ...normalisation, first, held, padding, flips: flips ? 1 : 0 },
      grid: gridFor(batch * size * size, 64),
      bytes: bytes * held / count,
    });
  }
  kernel.dispatch("batch_of_labels", {
    read: [start.values, order, store.labels],
    write: [labels],
    constants: { ...places, ...normalisation, held: count },
    grid: gridFor(batch, 64),
    bytes: 12 * batch,
  });
  return { x, labels };
}
