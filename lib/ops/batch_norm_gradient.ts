import source from "../../kernels/batch_norm_gradient.wgsl" with { type: "text" };
import { type Constants, type Grid, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";

const kernel = new Kernel("batch_norm_gradient", source);

/** The sums that the two passes share. */
const SUMS = 5;

/** How the work of one pass over rows and quads is cut into workgroups. */
export interface Blocks {
  /** The kernels' overrides. */
  readonly constants: Constants & { readonly chunks: number };
  /** The workgroups. */
  readonly grid: Grid;
}

/** How a batch normalisation's gradient was computed. */
export interface BatchNormGradient {
  /** The input, `[batch, height, width, channels]`. */
  readonly x: Tensor;
  /** The scale, `[channels]`. */
  readonly weight: Tensor;
  /** The upstream gradient, of x's shape. */
  readonly dy: Tensor;
  /** The gradient of x. */
  readonly dx: Tensor;
  /** The batch's mean and deviation, `[2, channels]`. */
  readonly statistics: Tensor;
  /** How the work of one pass is cut into workgroups. */
  readonly blocks: Blocks;
}

/**
 * Makes the gradient that a batch normalisation in training gives its input differentiable in x, the scale and the
 * upstream gradient: two passes in place of the dozens that its formula takes in ops of its own. It has no derivative
 * beyond that.
 *
 * @returns dx, with a history.
 */
export function differentiableGradient(gradient: BatchNormGradient): Tensor {
  const { x, weight, dy, dx } = gradient;
  return record({
    name: "batchNorm.vjp",
    inputs: [x, weight, dy],
    output: dx,
    vjp: (g) => vjp(g, gradient),
    differentiableVjp: null,
  });
}

function vjp(g: Tensor, { x, weight, dy, statistics, blocks }: BatchNormGradient): Tensor[] {
  const { gpu } = x;
  const { constants, grid } = blocks;
  const parts = gpu.empty([constants.chunks, SUMS, weight.size], {
    label: "batch_norm_gradient.sums",
  });
  kernel.dispatch("sums", { read: [x, statistics, dy, g], write: [parts], constants, grid });
  const xBar = gpu.empty(x.shape, { label: "batch_norm_gradient.x_bar" });
  const ddy = gpu.empty(dy.shape, { label: "batch_norm_gradient.ddy" });
  const dweight = gpu.empty(weight.shape, { label: "batch_norm_gradient.dweight" });
  kernel.dispatch("vjp", {
    read: [x, statistics, dy, g, weight, parts],
    write: [ddy, xBar, dweight],
    constants,
    grid,
  });
  return [xBar, dweight, ddy];
}
