import source from "../../kernels/augment.wgsl" with { type: "text" };
import type { RealType } from "../gpu/dtype.ts";
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { StepValue } from "../gpu/step_values.ts";
import type { Tensor } from "../gpu/tensor.ts";

const kernel = new Kernel("augment", source);

/** A batch of bytes and what decides its colours. */
export interface AugmentOptions {
  /** The number of images. */
  readonly batch: number;
  /** The side of an image. */
  readonly size: number;
  /** The place of each image in the set, u32, `[batch]` or more. */
  readonly indices: Tensor;
  /** The epoch, an integer. */
  readonly epoch: StepValue;
  /** The seed. */
  readonly seed: number;
  /** Means of red, green and blue, in 0 to 255. */
  readonly mean: readonly [number, number, number];
  /** Standard deviations of red, green and blue, in 0 to 255. */
  readonly std: readonly [number, number, number];
  /** How far brightness, contrast and saturation go from 1. Default: 0.4. */
  readonly jitter?: number;
  /** The deviation of the lighting along each colour axis. Default: 0.1. */
  readonly lighting?: number;
  /** What one number of the images is. Default: float32. */
  readonly dtype?: RealType;
}

/**
 * Makes a batch with the colour jitter and the lighting of
 * {@link https://github.com/facebookarchive/fb.resnet.torch/blob/master/datasets/transforms.lua | fb.resnet.torch}, and
 * normalises it. What is drawn depends on seed, epoch and an image's place in the set alone.
 *
 * @param pixels Bytes, `[batch, 3, size, size]`, four a u32 word.
 * @param options The batch and what decides its colours.
 * @returns The images, `[batch, size, size, 3]`.
 */
export function augment(
  pixels: Tensor,
  {
    batch,
    size,
    indices,
    epoch,
    seed,
    mean,
    std,
    jitter = 0.4,
    lighting = 0.1,
    dtype = "f32",
  }: AugmentOptions,
): Tensor {
  const { gpu } = pixels;
  const matrices = gpu.empty([batch, 3, 4], { label: "augment.matrices" });
  const x = gpu.empty([batch, size, size, 3], { label: "augment.x", dtype });
  const [[mean_r, mean_g, mean_b], [std_r, std_g, std_b]] = [mean, std];
  const normalisation = { mean_r, mean_g, mean_b, std_r, std_g, std_b };
  const drawn = { jitter, lighting, epoch_at: epoch.index, seed };
  const constants = { batch, size, ...normalisation, ...drawn };
  kernel.dispatch("colours", {
    read: [epoch.values, indices, pixels],
    write: [matrices],
    constants,
    grid: [batch],
  });
  kernel.dispatch("apply", {
    read: [matrices, pixels],
    write: [x],
    constants,
    grid: gridFor(batch * size * size, 64),
  });
  return x;
}
