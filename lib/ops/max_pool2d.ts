import source from "../../kernels/max_pool2d.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { type Pool2dOptions, type Pooling, poolingOf } from "./pooling.ts";
import { storedQuads } from "./shapes.ts";

const kernel = new Kernel("max_pool2d", source);

interface MaxPooling extends Pooling {
  readonly place: Tensor;
}

/**
 * The maximum of each square window. Of equal values the first in row-major order gets the gradient, as in PyTorch.
 *
 * @param x Activations, `[batch, height, width, channels]`.
 * @param size The side of the window.
 * @returns `[batch, output height, output width, channels]`.
 * @throws {TypeError} If x does not have four dimensions.
 * @throws {RangeError} If the window does not fit, or the padding is more than half of it.
 * @example
 * ```ts
 * import { Gpu, maxPool2d } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([1, 5, 3, 4], [1, 2, 2, 1]);
 * assert.deepEqual([...await maxPool2d(x, 2).read()], [5]);
 * ```
 */
export function maxPool2d(x: Tensor, size: number, options: Pool2dOptions = {}): Tensor {
  const { from, to, constants } = poolingOf(x, size, options);
  const y = x.gpu.empty(to, { label: "max_pool2d.y", dtype: x.dtype });
  const place = x.gpu.empty(to, { label: "max_pool2d.place", dtype: "u32" });
  kernel.dispatch("forward", {
    read: [x],
    write: [y, place],
    constants,
    grid: gridFor(storedQuads(y), 64),
  });
  const pooling = { from, to, place, constants };
  return record({ name: "maxPool2d", inputs: [x], output: y, vjp: (dy) => [scatter(dy, pooling)] });
}

function scatter(dy: Tensor, pooling: MaxPooling): Tensor {
  const dx = dy.gpu.empty(pooling.from, { label: "max_pool2d.dx", dtype: dy.dtype });
  kernel.dispatch("scatter", {
    read: [dy, pooling.place],
    write: [dx],
    constants: pooling.constants,
    grid: gridFor(storedQuads(dx), 64),
  });
  return record({
    name: "maxPool2d.scatter",
    inputs: [dy],
    output: dx,
    vjp: (ddx) => [take(ddx, pooling)],
  });
}

function take(x: Tensor, pooling: MaxPooling): Tensor {
  const y = x.gpu.empty(pooling.to, { label: "max_pool2d.taken", dtype: x.dtype });
  kernel.dispatch("take", {
    read: [x, pooling.place],
    write: [y],
    constants: pooling.constants,
    grid: gridFor(storedQuads(y), 64),
  });
  return record({
    name: "maxPool2d.take",
    inputs: [x],
    output: y,
    vjp: (dy) => [scatter(dy, pooling)],
  });
}
