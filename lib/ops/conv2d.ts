import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import type { Geometry } from "./conv2d/geometry.ts";
import { forwardPass, inputGradientPass, runPass, weightGradientPass } from "./conv2d/passes.ts";
import { fourSizes, wantInteger, wantLayout, wantReal, wantShape, wantType } from "./shapes.ts";
import { sum } from "./sum.ts";

/** How a convolution's window moves. */
export interface Conv2dOptions {
  /** Pixels from one window to the next. Default: 1. */
  readonly stride?: number;
  /** Zeros around the image. Default: 0. */
  readonly padding?: number;
  /** A number added to each output channel, `[outputs]`. */
  readonly bias?: Tensor | undefined;
}

/**
 * Convolves images with a bank of kernels (cross-correlation, as everywhere in deep learning).
 *
 * @param x Activations, `[batch, height, width, inputs]`.
 * @param w Weights, `[kernel height, kernel width, inputs, outputs]`, in the layout `weights`.
 * @returns Activations of x's type, `[batch, output height, output width, outputs]`.
 * @throws {TypeError} If the shapes do not fit, or the weights are not float32.
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
  wantLayout(w, "weights", "convolve with w");
  wantReal(x, "convolve x");
  wantType(w, "f32", "convolve with w");
  if (bias !== undefined) {
    wantShape(bias, [outputs], "add the bias of a convolution");
    wantType(bias, "f32", "add the bias of a convolution");
  }
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
  const y = x.gpu.empty(geometry.y, { label: "conv2d.y", dtype: x.dtype });
  runPass(x.gpu, { pass: forwardPass, dtype: x.dtype, job: { geometry, x, w, bias, y } });
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

function inputGradient(dy: Tensor, w: Tensor, geometry: Geometry): Tensor {
  const dx = dy.gpu.empty(geometry.x, { label: "conv2d.dx", dtype: dy.dtype });
  runPass(dy.gpu, { pass: inputGradientPass, dtype: dy.dtype, job: { geometry, dy, w, dx } });
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

function weightGradient(x: Tensor, dy: Tensor, geometry: Geometry): Tensor {
  const dw = x.gpu.empty(geometry.w, { label: "conv2d.dw", layout: "weights" });
  runPass(x.gpu, { pass: weightGradientPass, dtype: x.dtype, job: { geometry, x, dy, dw } });
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
