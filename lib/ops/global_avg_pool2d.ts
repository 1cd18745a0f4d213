import source from "../../kernels/global_avg_pool2d.wgsl" with { type: "text" };
import type { RealType } from "../gpu/dtype.ts";
import { type Constants, gridFor, Kernel } from "../gpu/kernel.ts";
import { quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { fourSizes, storedQuads, wantReal } from "./shapes.ts";

const kernel = new Kernel("global_avg_pool2d", source);

interface Pooling {
  readonly from: readonly number[];
  readonly dtype: RealType;
  readonly constants: Constants;
}

/**
 * The mean of each channel over the whole image.
 *
 * @param x Activations, `[batch, height, width, channels]`.
 * @returns `[batch, channels]`, float32 even where x is in half precision.
 * @throws {TypeError} If x does not have four dimensions.
 * @example
 * ```ts
 * import { globalAvgPool2d, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([1, 5, 3, 3], [1, 2, 2, 1]);
 * assert.deepEqual([...await globalAvgPool2d(x).read()], [3]);
 * ```
 */
export function globalAvgPool2d(x: Tensor): Tensor {
  const [batch, height, width, channels] = fourSizes(x, "pool x");
  return average(x, {
    from: x.shape,
    dtype: wantReal(x, "pool x"),
    constants: { batch, positions: height * width, quads: quadsOf(channels) },
  });
}

function average(x: Tensor, pooling: Pooling): Tensor {
  const [batch = 1, , , channels = 1] = pooling.from;
  const y = x.gpu.empty([batch, channels], { label: "global_avg_pool2d.y" });
  kernel.dispatch("forward", {
    read: [x],
    write: [y],
    constants: pooling.constants,
    grid: gridFor(storedQuads(y), 64),
  });
  return record({
    name: "globalAvgPool2d",
    inputs: [x],
    output: y,
    vjp: (dy) => [spread(dy, pooling)],
  });
}

function spread(dy: Tensor, pooling: Pooling): Tensor {
  const dx = dy.gpu.empty(pooling.from, { label: "global_avg_pool2d.dx", dtype: pooling.dtype });
  kernel.dispatch("spread", {
    read: [dy],
    write: [dx],
    constants: pooling.constants,
    grid: gridFor(storedQuads(dx), 64),
  });
  return record({
    name: "globalAvgPool2d.spread",
    inputs: [dy],
    output: dx,
    vjp: (ddx) => [average(ddx, pooling)],
  });
}
