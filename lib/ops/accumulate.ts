import source from "../../kernels/accumulate.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { storedQuads, wantLike, wantType } from "./shapes.ts";

const kernel = new Kernel("accumulate", source);

/**
 * Adds a tensor to another in place: a sum over several programs. It has no gradient.
 *
 * @param x What to add, float32.
 * @param sum What it is added to, of x's shape.
 * @throws {TypeError} If the shapes, layouts or types differ.
 * @example
 * ```ts
 * import { accumulate, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const sum = gpu.tensor([1, 2], [2]);
 * for (const _ of [1, 2]) accumulate(gpu.tensor([10, 20], [2]), sum);
 * assert.deepEqual([...await sum.read()], [21, 42]);
 * ```
 */
export function accumulate(x: Tensor, sum: Tensor): void {
  wantLike(sum, x, "accumulate");
  wantType(sum, "f32", "accumulate");
  const quads = storedQuads(x);
  kernel.dispatch("forward", {
    read: [x],
    write: [sum],
    constants: { quads },
    grid: gridFor(quads, 64),
  });
}
