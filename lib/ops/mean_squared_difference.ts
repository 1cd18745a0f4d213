import source from "../../kernels/mean_squared_difference.wgsl" with { type: "text" };
import { gridFor, Kernel, split } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { broadcast } from "./broadcast.ts";
import { multiply } from "./multiply.ts";
import { scale } from "./scale.ts";
import { storedQuads, wantLike } from "./shapes.ts";
import { subtract } from "./subtract.ts";

const kernel = new Kernel("mean_squared_difference", source);

/**
 * The mean over all elements of `(a - b)^2`.
 *
 * @param a A tensor of any shape.
 * @param b A tensor of the same shape and layout.
 * @returns A scalar.
 * @throws {TypeError} If the shapes, layouts or types differ.
 * @example
 * ```ts
 * import { Gpu, meanSquaredDifference } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const loss = meanSquaredDifference(gpu.tensor([1, 2], [2]), gpu.tensor([1, 4], [2]));
 * assert.deepEqual([...await loss.read()], [2]);
 * ```
 */
export function meanSquaredDifference(a: Tensor, b: Tensor): Tensor {
  wantLike(b, a, "compare tensors");
  const { gpu, size } = a;
  const quads = storedQuads(a);
  const parts = split(quads, { least: 32, most: 1024 });
  const partials = gpu.empty([parts.chunks], { label: "mean_squared_difference.partials" });
  kernel.dispatch("partial", {
    read: [a, b],
    write: [partials],
    constants: { quads, size, ...parts },
    grid: gridFor(parts.chunks, 64),
  });
  const y = gpu.empty([], { label: "mean_squared_difference.y" });
  kernel.dispatch("finish", {
    read: [partials],
    write: [y],
    constants: { quads, size, ...parts },
    grid: [1],
  });
  const toward = (dy: Tensor, sign: number) => {
    const da = gpu.empty(a.shape, {
      label: "mean_squared_difference.da",
      layout: a.layout,
      dtype: a.dtype,
    });
    kernel.dispatch("vjp", {
      read: [a, b, dy],
      write: [da],
      constants: { quads, size, sign },
      grid: gridFor(quads, 64),
    });
    return da;
  };
  return record({
    name: "meanSquaredDifference",
    inputs: [a, b],
    output: y,
    vjp: (dy, [needsA, needsB]) => [needsA ? toward(dy, 1) : null, needsB ? toward(dy, -1) : null],
    differentiableVjp: (dy) => {
      const da = multiply(
        scale(subtract(a, b), 2 / size),
        broadcast(dy, a.shape, { keep: "none", layout: a.layout }),
      );
      return [da, scale(da, -1)];
    },
  });
}
