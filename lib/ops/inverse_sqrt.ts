import source from "../../kernels/inverse_sqrt.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { multiply } from "./multiply.ts";
import { scale } from "./scale.ts";
import { storedQuads, wantLayout, wantType } from "./shapes.ts";

const kernel = new Kernel("inverse_sqrt", source);

/**
 * The inverse square root, `(x + epsilon)^(-1/2)`, element by element.
 *
 * @param x A tensor of any shape, float32.
 * @param options.epsilon What is added first. Default: 0.
 * @returns A tensor of x's shape.
 * @throws {TypeError} If x has the layout `weights` or is not float32.
 * @example
 * ```ts
 * import { Gpu, inverseSqrt } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * assert.deepEqual([...await inverseSqrt(gpu.tensor([4, 16], [2])).read()], [0.5, 0.25]);
 * ```
 */
export function inverseSqrt(x: Tensor, { epsilon = 0 }: { epsilon?: number } = {}): Tensor {
  wantLayout(x, "channels", "take inverse square roots");
  wantType(x, "f32", "take inverse square roots");
  const y = x.gpu.empty(x.shape, { label: "inverse_sqrt.y" });
  const quads = storedQuads(y);
  kernel.dispatch("forward", {
    read: [x],
    write: [y],
    constants: { quads, channels: x.shape.at(-1) ?? 1, epsilon },
    grid: gridFor(quads, 64),
  });
  return record({
    name: "inverseSqrt",
    inputs: [x],
    output: y,
    vjp: (dy) => [scale(multiply(dy, multiply(y, multiply(y, y))), -0.5)],
  });
}
