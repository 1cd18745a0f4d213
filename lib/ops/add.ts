import source from "../../kernels/add.wgsl" with { type: "text" };
import { gridFor, Kernel, type Pair } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { storedQuads, wantLike } from "./shapes.ts";

const kernel = new Kernel("add", source);

/**
 * Adds two tensors of one shape, element by element.
 *
 * @param a A tensor of any shape.
 * @param b A tensor of the same shape, layout and type.
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

/** The other summand where the consumer of a pair is a sum, for the rules of producers that add in their store. */
export function addendOf({ consumer, through }: Pair): Tensor | null {
  if (!kernel.runs(consumer, "forward")) return null;
  const others = consumer.read.filter(({ storage }) => storage !== through.storage);
  return others.length === 1 ? others[0] ?? null : null;
}
