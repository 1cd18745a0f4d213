import source from "../../kernels/scale.wgsl" with { type: "text" };
import { type Dispatch, gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { storedQuads } from "./shapes.ts";

const kernel = new Kernel("scale", source);

/**
 * Multiplies a tensor by a fixed number.
 *
 * @param x A tensor of any shape.
 * @param factor The number; each value compiles a pipeline of its own.
 * @returns `factor * x`, of x's shape.
 * @example
 * ```ts
 * import { Gpu, scale } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * assert.deepEqual([...await scale(gpu.tensor([1, 2], [2]), 3).read()], [3, 6]);
 * ```
 */
export function scale(x: Tensor, factor: number): Tensor {
  const y = x.gpu.empty(x.shape, { label: "scale.y", layout: x.layout, dtype: x.dtype });
  const quads = storedQuads(y);
  kernel.dispatch("forward", {
    read: [x],
    write: [y],
    constants: { quads, factor },
    grid: gridFor(quads, 64),
  });
  return record({ name: "scale", inputs: [x], output: y, vjp: (dy) => [scale(dy, factor)] });
}

/** The factor of a dispatch that is a product with a fixed number, `null` for any other. */
export function factorOf(dispatch: Dispatch): number | null {
  return kernel.runs(dispatch, "forward") ? dispatch.constants["factor"] ?? null : null;
}
