import source from "../../kernels/add.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { storedQuads, wantLike } from "./shapes.ts";

const kernel = new Kernel("add", source);

/**
 * Adds two tensors of one shape, element by element.
 *
 * @returns `a + b`, of their shape.
 * @throws {TypeError} If the shapes, layouts or types differ.
 * @example
 * ```ts
 * import { add, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const sum = add(gpu.tensor([1, 2], [2]), gpu.tensor([3, 4], [2]));
 * assert.deepEqual([...await sum.read()], [4, 6]);
 * ```
 */
export function add(a: Tensor, b: Tensor): Tensor {
  wantLike(b, a, "add tensors");
  const y = a.gpu.empty(a.shape, { label: "add.y", layout: a.layout, dtype: a.dtype });
  const quads = storedQuads(y);
  kernel.dispatch("forward", {
    read: [a, b],
    write: [y],
    constants: { quads },
    grid: gridFor(quads, 64),
  });
  return record({ name: "add", inputs: [a, b], output: y, vjp: (dy) => [dy, dy] });
}
