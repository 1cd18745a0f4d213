import source from "../../kernels/cast.wgsl" with { type: "text" };
import type { RealType } from "../gpu/dtype.ts";
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { storedQuads, wantReal } from "./shapes.ts";

const kernel = new Kernel("cast", source);

/**
 * Converts a tensor to float32 or to half precision, which rounds to the nearest and beyond 65504 gives infinity.
 * The gradient is converted back.
 *
 * @param x A tensor of any shape.
 * @param dtype What one number shall be.
 * @returns A tensor of x's shape; x itself where it is of that type.
 * @throws {TypeError} If x holds integers.
 * @throws {GpuError} If half precision is asked for and the adapter lacks `shader-f16`.
 * @example
 * ```ts
 * import { cast, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * if (gpu.hasHalf) {
 *   const y = cast(gpu.tensor([1 / 3, 2048.5], [2]), "f16");
 *   assert.deepEqual([...await y.read()], [0.333251953125, 2048]);
 * }
 * ```
 */
export function cast(x: Tensor, dtype: RealType): Tensor {
  const from = wantReal(x, "cast");
  if (from === dtype) return x;
  const y = x.gpu.empty(x.shape, { label: "cast.y", layout: x.layout, dtype });
  const quads = storedQuads(y);
  kernel.dispatch(dtype === "f16" ? "narrow" : "widen", {
    read: [x],
    write: [y],
    constants: { quads },
    grid: gridFor(quads, 64),
  });
  return record({ name: "cast", inputs: [x], output: y, vjp: (dy) => [cast(dy, from)] });
}
