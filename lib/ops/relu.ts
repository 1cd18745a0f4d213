import source from "../../kernels/relu.wgsl" with { type: "text" };
import { type Dispatch, gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record, stopGradient } from "../tape.ts";
import { storedQuads, wantLike } from "./shapes.ts";

const kernel = new Kernel("relu", source);

/**
 * The rectifier, `max(x, 0)`; its gradient at 0 is 0, as in PyTorch.
 *
 * @param x A tensor of any shape.
 * @returns A tensor of x's shape.
 * @example
 * ```ts
 * import { Gpu, relu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * assert.deepEqual([...await relu(gpu.tensor([-1, 2], [2])).read()], [0, 2]);
 * ```
 */
export function relu(x: Tensor): Tensor {
  const y = x.gpu.empty(x.shape, { label: "relu.y", layout: x.layout, dtype: x.dtype });
  const quads = storedQuads(y);
  kernel.dispatch("forward", {
    read: [x],
    write: [y],
    constants: { quads },
    grid: gridFor(quads, 64),
  });
  return record({ name: "relu", inputs: [x], output: y, vjp: (dy) => [gate(dy, stopGradient(y))] });
}

/** Lets `dy` through where `open` is positive: the rectifier's vjp, and its own. */
function gate(dy: Tensor, open: Tensor): Tensor {
  wantLike(dy, open, "gate a gradient");
  const dx = dy.gpu.empty(dy.shape, { label: "relu.dx", layout: dy.layout, dtype: dy.dtype });
  const quads = storedQuads(dx);
  kernel.dispatch("gate", {
    read: [dy, open],
    write: [dx],
    constants: { quads },
    grid: gridFor(quads, 64),
    fusion: { inPlace: 0 },
  });
  return record({ name: "relu.gate", inputs: [dy], output: dx, vjp: (ddx) => [gate(ddx, open)] });
}

/** Whether a dispatch is a rectifier's forward pass, for the rules of producers that rectify in their store. */
export function isRelu(dispatch: Dispatch): boolean {
  return kernel.runs(dispatch, "forward");
}

/** The upstream gradient and the rectifier's output of a dispatch that is its vjp, `null` for any other. */
export function gateOf(dispatch: Dispatch): { dy: Tensor; open: Tensor } | null {
  const [dy, open] = dispatch.read;
  if (!kernel.runs(dispatch, "gate")) return null;
  return dy === undefined || open === undefined ? null : { dy, open };
}
