import type { Constants } from "../../gpu/kernel.ts";
import { quadsOf } from "../../gpu/layout.ts";

/** The sizes of one convolution, which its forward pass and both of its gradients share. */
export interface Geometry {
  /** What is convolved: `[batch, height, width, inputs]`. */
  readonly x: readonly [number, number, number, number];
  /** The weights: `[height, width, inputs, outputs]`. */
  readonly w: readonly [number, number, number, number];
  /** The result: `[batch, height, width, outputs]`. */
  readonly y: readonly [number, number, number, number];
  /** Pixels from one window to the next. */
  readonly stride: number;
  /** Zeros around the image. */
  readonly padding: number;
}

/** The sizes by the names that the kernels give them. */
export function constantsOf({ x, w, y, stride, padding }: Geometry): Constants {
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

/** Those of the images, by name. */
export const IMAGE_SIZES: readonly string[] = [
  "batch",
  "in_height",
  "in_width",
  "in_quads",
  "out_height",
  "out_width",
  "out_quads",
];

/** All of them, by name. */
export const SIZES: readonly string[] = [
  ...IMAGE_SIZES,
  "kernel_height",
  "kernel_width",
  "stride",
  "padding",
];

/** The floating-point operations of a convolution and of either gradient: each output sums one window. */
export function flopOf({ y, w }: Geometry): number {
  return [...y, w[0], w[1], w[2]].reduce((product, size) => product * size, 2);
}

/** The gradient as a convolution of dy: its input is what the forward pass put out, and the other way round. */
export function reversed({ x, w, y, stride, padding }: Geometry): Geometry {
  return { x: y, w, y: x, stride, padding };
}
