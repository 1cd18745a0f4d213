import source from "../../kernels/attention_map.wgsl" with { type: "text" };
import { Kernel } from "../gpu/kernel.ts";
import { padded, quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { fourSizes, wantReal } from "./shapes.ts";

const kernel = new Kernel("attention_map", source);

/**
 * Reduces activations to one unit-length attention map a sample, F_sum^2 of
 * {@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017}, equation 2: the mean over channels of the
 * squares, divided by its l2 norm. A sample of zeros gives a map of zeros and a zero gradient.
 * It has no second derivative.
 *
 * @param x Activations, `[batch, height, width, channels]`.
 * @returns Maps, `[batch, height * width]`, float32 even where x is in half precision.
 * @throws {TypeError} If `x` does not have four dimensions.
 * @example
 * ```ts
 * import { attentionMap, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const map = attentionMap(gpu.tensor([3, 0], [1, 2, 1, 1]));
 * assert.deepEqual([...await map.read()], [1, 0]);
 * ```
 */
export function attentionMap(x: Tensor): Tensor {
  const [batch, height, width, channels] = fourSizes(x, "take the attention map of x");
  const dtype = wantReal(x, "take the attention map of x");
  const positions = height * width;
  const constants = {
    batch,
    positions,
    stored: padded(positions),
    channels,
    quads: quadsOf(channels),
  };
  const y = x.gpu.empty([batch, positions], { label: "attention_map.y" });
  const norm = x.gpu.empty([batch], { label: "attention_map.norm" });
  kernel.dispatch("forward", { read: [x], write: [y, norm], constants, grid: [padded(batch)] });
  return record({
    name: "attentionMap",
    inputs: [x],
    output: y,
    vjp: (dy) => {
      const dx = x.gpu.empty(x.shape, { label: "attention_map.dx", dtype });
      kernel.dispatch("vjp", { read: [x, y, norm, dy], write: [dx], constants, grid: [batch] });
      return [dx];
    },
    differentiableVjp: null,
  });
}
