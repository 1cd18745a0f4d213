import source from "../../kernels/avg_pool2d.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { type Pool2dOptions, type Pooling, poolingOf } from "./pooling.ts";
import { storedQuads } from "./shapes.ts";

const kernel = new Kernel("avg_pool2d", source);

/**
 * The mean of each window, zeros of the padding counted and what lies beyond it not, as in PyTorch.
 *
 * @param x Activations, `[batch, height, width, channels]`.
 * @param size The side of the window.
 * @returns `[batch, output height, output width, channels]`.
 * @throws {TypeError} If x does not have four dimensions.
 * @throws {RangeError} If the window does not fit, or the padding is more than half of it.
 * @example
 * ```ts
 * import { avgPool2d, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([1, 5, 3, 3], [1, 2, 2, 1]);
 * assert.deepEqual([...await avgPool2d(x, 2).read()], [3]);
 * ```
 */
export function avgPool2d(x: Tensor, size: number, options: Pool2dOptions = {}): Tensor {
  return average(x, poolingOf(x, size, options));
}

function average(x: Tensor, pooling: Pooling): Tensor {
  const y = x.gpu.empty(pooling.to, { label: "avg_pool2d.y", dtype: x.dtype });
  kernel.dispatch("forward", {
    read: [x],
    write: [y],
    constants: pooling.constants,
    grid: gridFor(storedQuads(y), 64),
  });
  return record({ name: "avgPool2d", inputs: [x], output: y, vjp: (dy) => [spread(dy, pooling)] });
}

function spread(dy: Tensor, pooling: Pooling): Tensor {
  const dx = dy.gpu.empty(pooling.from, { label: "avg_pool2d.dx", dtype: dy.dtype });
  kernel.dispatch("input_gradient", {
    read: [dy],
    write: [dx],
    constants: pooling.constants,
    grid: gridFor(storedQuads(dx), 64),
  });
  return record({
    name: "avgPool2d.inputGradient",
    inputs: [dy],
    output: dx,
    vjp: (ddx) => [average(ddx, pooling)],
  });
}
