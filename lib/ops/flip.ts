import source from "../../kernels/flip.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import { quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { fourSizes, storedQuads, wantType } from "./shapes.ts";

const kernel = new Kernel("flip", source);

/**
 * Mirrors images, left to right.
 *
 * @param x `[batch, height, width, channels]`, float32.
 * @returns A tensor of x's shape.
 * @throws {TypeError} If x does not have four dimensions, or is not float32.
 * @example
 * ```ts
 * import { flip, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const y = flip(gpu.tensor([1, 2, 3], [1, 1, 3, 1]));
 * assert.deepEqual([...await y.read()], [3, 2, 1]);
 * ```
 */
export function flip(x: Tensor): Tensor {
  const [batch, height, width, channels] = fourSizes(x, "mirror x");
  wantType(x, "f32", "mirror x");
  const y = x.gpu.empty(x.shape, { label: "flip.y" });
  kernel.dispatch("forward", {
    read: [x],
    write: [y],
    constants: { rows: batch * height, width, quads: quadsOf(channels) },
    grid: gridFor(storedQuads(y), 64),
  });
  return record({ name: "flip", inputs: [x], output: y, vjp: (dy) => [flip(dy)] });
}
