import source from "../../kernels/normalise.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import { padded } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { lanesOf } from "./lanes.ts";
import { storedQuads, wantLayout, wantReal, wantSamples } from "./shapes.ts";

const kernel = new Kernel("normalise", source);

/** The norms that {@link normalise} divides by. */
export const NORMS = ["l2", "l1"] as const;

/** A norm: the root of the sum of squares, or the sum of magnitudes. */
export type Norm = typeof NORMS[number];

/**
 * Divides each sample by its norm, `y_n = x_n / max(||x_n||, 1e-12)`, as PyTorch's `F.normalize` of the samples as
 * rows. A sample of zeros gives zeros and a zero gradient, where PyTorch's gradient is 1e12 times the upstream one. It
 * has no second derivative.
 *
 * @param x `[batch, ...]`.
 * @param options.norm The norm. Default: `l2`.
 * @returns A tensor of x's shape, float32 even where x is in half precision.
 * @throws {TypeError} If x has fewer than two dimensions or the layout `weights`.
 * @example
 * ```ts
 * import { Gpu, normalise } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([0, -2, 5, 0], [2, 2]);
 * assert.deepEqual([...await normalise(x).read()], [0, -1, 1, 0]);
 * ```
 */
export function normalise(x: Tensor, { norm = "l2" }: { norm?: Norm } = {}): Tensor {
  return normaliseWithNorms(x, { norm }).units;
}

/** The samples divided by their norms, together with the norms, `[batch]`, which have no gradient of their own. */
export function normaliseWithNorms(
  x: Tensor,
  { norm }: { norm: Norm },
): { units: Tensor; norms: Tensor } {
  const dtype = wantReal(x, "normalise x");
  wantLayout(x, "channels", "normalise x");
  wantSamples(x.shape, "normalise x");
  const { gpu, shape } = x;
  const [batch = 1] = shape;
  const y = gpu.empty(shape, { label: "normalise.y" });
  const norms = gpu.empty([batch], { label: "normalise.norm" });
  const constants = {
    batch,
    quads: storedQuads(x) / batch,
    l1: norm === "l1" ? 1 : 0,
    lanes: lanesOf(gpu),
  };
  const grid = gridFor(padded(batch), 1);
  kernel.dispatch("forward", { read: [x], write: [y, norms], constants, grid });
  const units = record({
    name: "normalise",
    inputs: [x],
    output: y,
    vjp: (dy) => {
      const dx = gpu.empty(shape, { label: "normalise.dx", dtype });
      kernel.dispatch("vjp", { read: [y, norms, dy], write: [dx], constants, grid });
      return [dx];
    },
    differentiableVjp: null,
  });
  return { units, norms };
}
