import type { Constants } from "../gpu/kernel.ts";
import { quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { fourSizes, wantInteger } from "./shapes.ts";

/** How a pooling window moves. */
export interface Pool2dOptions {
  /** Pixels from one window to the next. Default: the kernel's size, as in PyTorch. */
  readonly stride?: number;
  /** Pixels around the image. Default: 0. */
  readonly padding?: number;
  /**
   * Whether a last window may reach over the far edge where the windows before it leave pixels out, as with PyTorch's
   * `ceil_mode`. Default: false.
   */
  readonly ceil?: boolean;
}

/** The windows of one pooling, which its forward pass and its gradient share. */
export interface Pooling {
  /** The shape of what is pooled. */
  readonly from: readonly number[];
  /** The shape of the result. */
  readonly to: readonly number[];
  /** The sizes by the names that the kernels give them. */
  readonly constants: Constants;
}

/**
 * Lays square windows over activations, `[batch, height, width, channels]`.
 *
 * @param size The side of a window.
 * @throws {TypeError} If x does not have four dimensions.
 * @throws {RangeError} If the window does not fit, or the padding is more than half of it.
 */
export function poolingOf(
  x: Tensor,
  size: number,
  { stride = size, padding = 0, ceil = false }: Pool2dOptions,
): Pooling {
  const [batch, height, width, channels] = fourSizes(x, "pool x");
  const outHeight = pooledSize(height, { size, stride, padding, ceil });
  const outWidth = pooledSize(width, { size, stride, padding, ceil });
  return {
    from: x.shape,
    to: [batch, outHeight, outWidth, channels],
    constants: {
      batch,
      in_height: height,
      in_width: width,
      out_height: outHeight,
      out_width: outWidth,
      quads: quadsOf(channels),
      kernel: size,
      stride,
      padding,
    },
  };
}

/** The number of windows along a side, each of which starts inside of the side or of the padding before it. */
function pooledSize(
  side: number,
  { size, stride, padding, ceil }: { size: number; stride: number; padding: number; ceil: boolean },
): number {
  wantInteger(size, "the window of a pooling", { least: 1 });
  wantInteger(stride, "the stride of a pooling", { least: 1 });
  wantInteger(padding, "the padding of a pooling", { least: 0 });
  const steps = (side + 2 * padding - size) / stride;
  const startsInside = Math.floor((side + padding - 1) / stride);
  const windows = 1 + (ceil ? Math.min(Math.ceil(steps), startsInside) : Math.floor(steps));
  if (2 * padding > size || windows < 1) {
    throw new RangeError(
      `Cannot pool: a window of ${size} must fit into the padded side and be at least twice the padding, found a side of ${side} padded by ${padding}`,
    );
  }
  return windows;
}
