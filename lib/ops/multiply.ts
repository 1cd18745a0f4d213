import source from "../../kernels/multiply.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { storedQuads, wantLike } from "./shapes.ts";

const kernel = new Kernel("multiply", source);

/**
 * Multiplies two tensors of one shape, element by element.
 *
 * @param a A tensor of any shape.
 * @param b A tensor of the same shape, layout and type.
 * @returns `a * b`, of their shape.
 * @throws {TypeError} If the shapes, layouts or types differ.
 * @example
 * ```ts
 * import { Gpu, multiply } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const product = multiply(gpu.tensor([1, 2], [2]), gpu.tensor([3, 4], [2]));
 * assert.deepEqual([...await product.read()], [3, 8]);
 * ```
 */
export function multiply(a: Tensor, b: Tensor): Tensor {
  wantLike(b, a, "multiply tensors");
  const y = a.gpu.empty(a.shape, { label: "multiply.y", layout: a.layout, dtype: a.dtype });
  const quads = storedQuads(y);
  kernel.dispatch("forward", {
    read: [a, b],
    write: [y],
    constants: { quads },
    grid: gridFor(quads, 64),
  });
  return record({
    name: "multiply",
    inputs: [a, b],
    output: y,
    vjp: (
      dy,
      [needsA, needsB],
    ) => [needsA ? multiply(dy, b) : null, needsB ? multiply(dy, a) : null],
  });
}
