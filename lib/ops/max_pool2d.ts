import source from "../../kernels/max_pool2d.wgsl" with { type: "text" };
import { type Constants, gridFor, Kernel } from "../gpu/kernel.ts";
import { quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { fourSizes, storedQuads, wantInteger } from "./shapes.ts";

const kernel = new Kernel("max_pool2d", source);

/** How a pooling window moves. */
export interface Pool2dOptions {
  /** Pixels from one window to the next; the kernel's size unless told, as in PyTorch. */
  readonly stride?: number;
  /** Pixels around the image; 0 unless told. */
  readonly padding?: number;
  /**
   * Whether a last window may reach over the far edge where the windows before it leave pixels out, as with PyTorch's
   * `ceil_mode`; false unless told.
   */
  readonly ceil?: boolean;
}

interface Pooling {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly place: Tensor;
  readonly constants: Constants;
}

/**
 * The maximum of each square window. Of equal values the first in row-major order gets the gradient, as in PyTorch.
 *
 * @param x Activations, `[batch, height, width, channels]`.
 * @param size The side of the window.
 * @returns `[batch, output height, output width, channels]`.
 * @throws {TypeError} If x does not have four dimensions.
 * @throws {RangeError} If the window does not fit, or the padding is more than half of it.
 * @example
 * ```ts
 * import { Gpu, maxPool2d } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([1, 5, 3, 4], [1, 2, 2, 1]);
 * assert.deepEqual([...await maxPool2d(x, 2).read()], [5]);
 * ```
 */
export function maxPool2d(
  x: Tensor,
  size: number,
  { stride = size, padding = 0, ceil = false }: Pool2dOptions = {},
): Tensor {
  const [batch, height, width, channels] = fourSizes(x, "pool x");
  const outHeight = pooledSize(height, { size, stride, padding, ceil });
  const outWidth = pooledSize(width, { size, stride, padding, ceil });
  const to = [batch, outHeight, outWidth, channels];
  const y = x.gpu.empty(to, { label: "max_pool2d.y", dtype: x.dtype });
  const place = x.gpu.empty(to, { label: "max_pool2d.place", dtype: "u32" });
  const constants = {
    batch,
    in_height: height,
    in_width: width,
    out_height: outHeight,
    out_width: outWidth,
    quads: quadsOf(channels),
    kernel: size,
    stride,
    padding,
  };
  kernel.dispatch("forward", {
    read: [x],
    write: [y, place],
    constants,
    grid: gridFor(storedQuads(y), 64),
  });
  const pooling = { from: x.shape, to, place, constants };
  return record({ name: "maxPool2d", inputs: [x], output: y, vjp: (dy) => [scatter(dy, pooling)] });
}

/**
 * The number of windows along a side, each of which starts inside of the side or of the padding before it.
 *
 * @throws {RangeError} If there is none, or the padding is more than half of the window.
 */
export function pooledSize(
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

function scatter(dy: Tensor, pooling: Pooling): Tensor {
  const dx = dy.gpu.empty(pooling.from, { label: "max_pool2d.dx", dtype: dy.dtype });
  kernel.dispatch("scatter", {
    read: [dy, pooling.place],
    write: [dx],
    constants: pooling.constants,
    grid: gridFor(storedQuads(dx), 64),
  });
  return record({
    name: "maxPool2d.scatter",
    inputs: [dy],
    output: dx,
    vjp: (ddx) => [take(ddx, pooling)],
  });
}

function take(x: Tensor, pooling: Pooling): Tensor {
  const y = x.gpu.empty(pooling.to, { label: "max_pool2d.taken", dtype: x.dtype });
  kernel.dispatch("take", {
    read: [x, pooling.place],
    write: [y],
    constants: pooling.constants,
    grid: gridFor(storedQuads(y), 64),
  });
  return record({
    name: "maxPool2d.take",
    inputs: [x],
    output: y,
    vjp: (dy) => [scatter(dy, pooling)],
  });
}
