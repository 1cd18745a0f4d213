import plainSource from "../../kernels/conv2d/plain.wgsl" with { type: "text" };
import tiledSource from "../../kernels/conv2d/tiled.wgsl" with { type: "text" };
import tiledWeightGradientSource from "../../kernels/conv2d/tiled_weight_gradient.wgsl" with {
  type: "text",
};
import { type Constants, gridFor, Kernel, split } from "../gpu/kernel.ts";
import { quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { fourSizes, wantInteger, wantShape } from "./shapes.ts";
import { finishColumns, sum } from "./sum.ts";

const plain = new Kernel("conv2d/plain", plainSource);
const tiled = new Kernel("conv2d/tiled", tiledSource);
const tiledWeightGradient = new Kernel(
  "conv2d/tiled_weight_gradient",
  tiledWeightGradientSource,
);

/** How a convolution's window moves. */
export interface Conv2dOptions {
  /** Pixels from one window to the next; 1 unless told. */
  readonly stride?: number;
  /** Zeros around the image; 0 unless told. */
  readonly padding?: number;
  /** A number added to each output channel, `[outputs]`. */
  readonly bias?: Tensor;
}

/** The sizes of one convolution, by the names that the kernel gives them. */
interface Geometry {
  readonly x: readonly [number, number, number, number];
  readonly w: readonly [number, number, number, number];
  readonly y: readonly [number, number, number, number];
  readonly stride: number;
  readonly padding: number;
}

function constantsOf({ x, w, y, stride, padding }: Geometry): Constants {
  return {
    batch: x[0],
    in_height: x[1],
    in_width: x[2],
    in_quads: quadsOf(x[3]),
    out_height: y[1],
    out_width: y[2],
    out_quads: quadsOf(y[3]),
    kernel_height: w[0],
    kernel_width: w[1],
    stride,
    padding,
  };
}

/** The floating-point operations of a convolution and of either gradient: each output sums one window. */
function flopOf({ y, w }: Geometry): number {
  return [...y, w[0], w[1], w[2]].reduce((product, size) => product * size, 2);
}

/**
 * Convolves images with a bank of kernels (cross-correlation, as everywhere in deep learning).
 *
 * @param x Activations, `[batch, height, width, inputs]`.
 * @param w Weights, `[kernel height, kernel width, inputs, outputs]`, in the layout `weights`.
 * @returns Activations, `[batch, output height, output width, outputs]`.
 * @throws {TypeError} If the shapes do not fit.
 * @throws {RangeError} If the kernel is larger than the padded image.
 * @example
 * ```ts
 * import { conv2d, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([1, 2, 3, 4], [1, 2, 2, 1]);
 * const w = gpu.tensor([1, 1, 1, 1], [2, 2, 1, 1], { layout: "weights" });
 * assert.deepEqual([...await conv2d(x, w).read()], [10]);
 * ```
 */
export function conv2d(
  x: Tensor,
  w: Tensor,
  { stride = 1, padding = 0, bias }: Conv2dOptions = {},
): Tensor {
  const [batch, height, width, inputs] = fourSizes(x, "convolve x");
  const [kernelHeight, kernelWidth, , outputs] = fourSizes(w, "convolve with w");
  wantShape(w, [kernelHeight, kernelWidth, inputs, outputs], `convolve ${inputs} channels`);
  if (w.layout !== "weights") {
    throw new TypeError(
      `Cannot convolve with ${w.label}: wanted the layout weights, found ${w.layout}`,
    );
  }
  if (bias !== undefined) wantShape(bias, [outputs], "add the bias of a convolution");
  wantInteger(stride, "the stride of a convolution", { least: 1 });
  wantInteger(padding, "the padding of a convolution", { least: 0 });
  const outHeight = Math.floor((height + 2 * padding - kernelHeight) / stride) + 1;
  const outWidth = Math.floor((width + 2 * padding - kernelWidth) / stride) + 1;
  if (outHeight < 1 || outWidth < 1) {
    throw new RangeError(
      `Cannot convolve x: a kernel of ${kernelHeight}x${kernelWidth} must fit into the padded image, found ${
        height + 2 * padding
      }x${width + 2 * padding}`,
    );
  }
  return forward(x, w, {
    bias: bias ?? null,
    geometry: {
      x: [batch, height, width, inputs],
      w: [kernelHeight, kernelWidth, inputs, outputs],
      y: [batch, outHeight, outWidth, outputs],
      stride,
      padding,
    },
  });
}

function forward(
  x: Tensor,
  w: Tensor,
  { bias, geometry }: { bias: Tensor | null; geometry: Geometry },
): Tensor {
  const [n, height, width, outputs] = geometry.y;
  const y = x.gpu.empty(geometry.y, { label: "conv2d.y" });
  const constants = { ...constantsOf(geometry), biased: bias === null ? 0 : 1 };
  const slices = tapSlices(w, { width, quads: quadsOf(outputs) });
  if (slices === null) {
    plain.dispatch("forward", {
      read: [x, w, bias ?? w],
      write: [y],
      constants,
      flop: flopOf(geometry),
      grid: gridFor(n * height * Math.ceil(width / 4) * quadsOf(outputs), 64),
    });
  } else {
    const tiles = n * height * Math.ceil(width / TILE_PIXELS);
    for (const { taps, first_tap, tap_count, share } of slices) {
      tiled.dispatch("forward", {
        read: [x, bias ?? x],
        uniform: [taps],
        write: [y],
        constants: { ...constants, first_tap, tap_count },
        flop: flopOf(geometry) * share,
        grid: gridFor(tiles * Math.ceil(quadsOf(outputs) / TILE_QUADS), 64),
      });
    }
  }
  return record({
    name: "conv2d",
    inputs: bias === null ? [x, w] : [x, w, bias],
    output: y,
    vjp: (dy, [needsX, needsW, needsBias]) => [
      needsX ? inputGradient(dy, w, geometry) : null,
      needsW ? weightGradient(x, dy, geometry) : null,
      ...(bias === null ? [] : [needsBias ? sum(dy, { keep: "channels" }) : null]),
    ],
  });
}

const TILE_PIXELS = 8;
const TILE_QUADS = 4;
const UNIFORM_BYTES = 65536;
const OFFSET_BYTES = 256;

/** The taps of a kernel, from one on, that fit into a uniform binding. */
interface TapSlice {
  readonly taps: Tensor;
  readonly first_tap: number;
  readonly tap_count: number;
  /** The part of all taps. */
  readonly share: number;
}

/**
 * Cuts weights into slices for the tiled kernel; `null` where the plain one has to do: for results that would leave
 * most of a tile empty, and for weights that one tap of does not fit into a uniform binding, or that have no place yet.
 */
function tapSlices(
  w: Tensor,
  { width, quads }: { width: number; quads: number },
): TapSlice[] | null {
  const count = (w.shape[0] ?? 1) * (w.shape[1] ?? 1);
  const tapBytes = w.storage.bytes / count;
  let most = Math.min(count, Math.floor(UNIFORM_BYTES / tapBytes));
  while (most > 0 && most < count && most * tapBytes % OFFSET_BYTES !== 0) most--;
  if (2 * width <= TILE_PIXELS || 2 * quads <= TILE_QUADS || most === 0) return null;
  const slices: TapSlice[] = [];
  for (let first = 0; first < count; first += most) {
    const taps = w.view(first * tapBytes, UNIFORM_BYTES);
    if (taps === null) return null;
    const tap_count = Math.min(most, count - first);
    slices.push({ taps, first_tap: first, tap_count, share: tap_count / count });
  }
  return slices;
}

function inputGradient(dy: Tensor, w: Tensor, geometry: Geometry): Tensor {
  const [n, height, width, inputs] = geometry.x;
  const { stride } = geometry;
  const dx = dy.gpu.empty(geometry.x, { label: "conv2d.dx" });
  const constants = constantsOf(geometry);
  const slices = tapSlices(w, { width: width / stride, quads: quadsOf(inputs) });
  if (slices === null) {
    plain.dispatch("input_gradient", {
      read: [dy, w],
      write: [dx],
      constants,
      flop: flopOf(geometry),
      grid: gridFor(n * height * Math.ceil(width / (4 * stride)) * stride * quadsOf(inputs), 64),
    });
  } else {
    const tiles = n * height * Math.ceil(width / (TILE_PIXELS * stride)) * stride;
    for (const { taps, first_tap, tap_count, share } of slices) {
      tiled.dispatch("input_gradient", {
        read: [dy],
        uniform: [taps],
        write: [dx],
        constants: { ...constants, first_tap, tap_count },
        flop: flopOf(geometry) * share,
        grid: gridFor(tiles * Math.ceil(quadsOf(inputs) / TILE_QUADS), 64),
      });
    }
  }
  return record({
    name: "conv2d.inputGradient",
    inputs: [dy, w],
    output: dx,
    vjp: (ddx, [needsDy, needsW]) => [
      needsDy ? forward(ddx, w, { bias: null, geometry }) : null,
      needsW ? weightGradient(ddx, dy, geometry) : null,
    ],
  });
}

const TARGET_INVOCATIONS = 4096;

function weightGradient(x: Tensor, dy: Tensor, geometry: Geometry): Tensor {
  const [kernelHeight, kernelWidth, inputs, outputs] = geometry.w;
  const pairs = Math.ceil(quadsOf(outputs) / 2);
  const isTiled = kernelWidth === 3 && quadsOf(inputs) > 1;
  const tiles = isTiled
    ? kernelHeight * Math.ceil(quadsOf(inputs) / 2) * pairs
    : kernelHeight * kernelWidth * quadsOf(inputs) * pairs;
  const { chunk, chunks } = split(geometry.y[0] * geometry.y[1], {
    least: 1,
    most: Math.ceil(TARGET_INVOCATIONS / tiles),
  });
  const dw = x.gpu.empty(geometry.w, { label: "conv2d.dw", layout: "weights" });
  const partial = chunks === 1
    ? dw
    : x.gpu.empty([chunks, dw.storage.bytes / 4], { label: "conv2d.partial" });
  const kernel = isTiled ? tiledWeightGradient : plain;
  kernel.dispatch("weight_gradient", {
    read: [x, dy],
    write: [partial],
    constants: { ...constantsOf(geometry), chunk, chunks },
    flop: flopOf(geometry),
    grid: gridFor(tiles * chunks, 64),
  });
  if (chunks > 1) finishColumns(partial, dw, { rows: chunks });
  return record({
    name: "conv2d.weightGradient",
    inputs: [x, dy],
    output: dw,
    vjp: (ddw, [needsX, needsDy]) => [
      needsX ? inputGradient(dy, ddw, geometry) : null,
      needsDy ? forward(x, ddw, { bias: null, geometry }) : null,
    ],
  });
}
