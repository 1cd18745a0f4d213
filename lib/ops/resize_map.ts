import source from "../../kernels/resize_map.wgsl" with { type: "text" };
import { type Constants, gridFor, Kernel } from "../gpu/kernel.ts";
import { padded, sizeOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { storedQuads, twoSizes, wantInteger, wantShape, wantType } from "./shapes.ts";

const kernel = new Kernel("resize_map", source);

/** The ways in which {@link resizeMap} makes maps of another size. */
export const RESIZES = ["pool", "bilinear"] as const;

/**
 * How maps get another size: `pool` averages, as PyTorch's `adaptive_avg_pool2d`; `bilinear` interpolates, as its
 * `F.interpolate(mode="bilinear", align_corners=False)`, which skips pixels where a map becomes less than half as
 * large.
 */
export type Resize = typeof RESIZES[number];

/** The height and the width of a map. */
export type MapSize = readonly [height: number, width: number];

/** Options of {@link resizeMap}. */
export interface ResizeOptions {
  /** The maps' size. */
  readonly from: MapSize;
  /** The size that they get. */
  readonly to: MapSize;
  /** How. Default: `pool`. */
  readonly resize?: Resize;
}

interface Resizing {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly constants: Constants;
}

/**
 * Gives maps another size.
 *
 * @param x Maps, `[batch, height * width]`, float32, row by row.
 * @returns `[batch, new height * new width]`; x itself where its size stays.
 * @throws {TypeError} If x does not have that size, or is not float32.
 * @throws {RangeError} If a side of the new size is not a positive integer.
 * @example
 * ```ts
 * import { Gpu, resizeMap } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const map = gpu.tensor([1, 3, 5, 7], [1, 4]);
 * const half = resizeMap(map, { from: [2, 2], to: [1, 2] });
 * assert.deepEqual([...await half.read()], [3, 5]);
 * ```
 */
export function resizeMap(x: Tensor, { from, to, resize = "pool" }: ResizeOptions): Tensor {
  const [batch] = twoSizes(x, "resize maps");
  wantShape(x, [batch, sizeOf(from)], `resize maps of ${from.join(" x ")}`);
  wantType(x, "f32", "resize maps");
  const [inHeight, inWidth] = from;
  const [outHeight, outWidth] = to;
  wantInteger(outHeight, "the height of a map", { least: 1 });
  wantInteger(outWidth, "the width of a map", { least: 1 });
  if (inHeight === outHeight && inWidth === outWidth) return x;
  return resized(x, {
    before: x.shape,
    after: [batch, sizeOf(to)],
    constants: {
      batch,
      in_height: inHeight,
      in_width: inWidth,
      in_stored: padded(sizeOf(from)),
      out_height: outHeight,
      out_width: outWidth,
      out_stored: padded(sizeOf(to)),
      pool: resize === "pool" ? 1 : 0,
    },
  });
}

function resized(x: Tensor, resizing: Resizing): Tensor {
  const y = x.gpu.empty(resizing.after, { label: "resize_map.y" });
  kernel.dispatch("forward", {
    read: [x],
    write: [y],
    constants: resizing.constants,
    grid: gridFor(storedQuads(y) * 4, 64),
  });
  return record({ name: "resizeMap", inputs: [x], output: y, vjp: (dy) => [spread(dy, resizing)] });
}

function spread(dy: Tensor, resizing: Resizing): Tensor {
  const dx = dy.gpu.empty(resizing.before, { label: "resize_map.dx" });
  kernel.dispatch("vjp", {
    read: [dy],
    write: [dx],
    constants: resizing.constants,
    grid: gridFor(storedQuads(dx) * 4, 64),
  });
  return record({
    name: "resizeMap.spread",
    inputs: [dy],
    output: dx,
    vjp: (ddx) => [resized(ddx, resizing)],
  });
}
