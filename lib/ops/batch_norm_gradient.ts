import source from "../../kernels/batch_norm_gradient.wgsl" with { type: "text" };
import { type Constants, type Grid, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";

const kernel = new Kernel("batch_norm_gradient", source);

/** The sums that the two passes share. */
const SUMS = 5;

/** How a pass over rows and quads is cut into workgroups. */
export interface Cut {
  /** The kernels' overrides. */
  readonly constants: Constants;
  /** The workgroups. */
  readonly grid: Grid;
}

/** How the passes of a batch normalisation are cut into workgroups. */
export interface Cuts {
  /** The parts that a sum is made in. */
  readonly parts: number;
  /** Rows of a part; the last may have fewer. */
  readonly part: number;
  /** A pass that sums: a workgroup makes a part. */
  readonly sums: Cut;
  /** A pass that needs the sums: every workgroup adds up the parts. */
  readonly needsSums: Cut;
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
  /** How the passes are cut into workgroups. */
  readonly cuts: Cuts;
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

function vjp(g: Tensor, { x, weight, dy, statistics, cuts }: BatchNormGradient): Tensor[] {
  const { gpu } = x;
  const parts = gpu.empty([cuts.parts, SUMS, weight.size], { label: "batch_norm_gradient.sums" });
  kernel.dispatch("sums", { read: [x, statistics, dy, g], write: [parts], ...cuts.sums });
  const xBar = gpu.empty(x.shape, { label: "batch_norm_gradient.x_bar" });
  const ddy = gpu.empty(dy.shape, { label: "batch_norm_gradient.ddy" });
  const dweight = gpu.empty(weight.shape, { label: "batch_norm_gradient.dweight" });
  kernel.dispatch("vjp", {
    read: [x, statistics, dy, g, weight, parts],
    write: [ddy, xBar, dweight],
    ...cuts.needsSums,
  });
  return [xBar, dweight, ddy];
}
