import source from "../../kernels/activation_map.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import { padded, quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { parseMap } from "./parse_map.ts";
import { fourSizes, storedQuads, wantReal } from "./shapes.ts";

const kernel = new Kernel("activation_map", source);

/**
 * Reduces activations to a map a sample, of {@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017},
 * section 3.1: `F_sum^p(A) = sum_c |A_c|^p` or `F_max^p(A) = max_c |A_c|^p`, not normalised. An activation of zero has
 * a zero gradient. Of channels that tie for the maximum the first gets the gradient, as with `torch.max(dim)`, where
 * `torch.amax` would share it out. It has no second derivative.
 *
 * @param x Activations, `[batch, height, width, channels]`.
 * @param options.map The map's name, as {@link parseMap} reads it. Default: `sum^2`.
 * @returns Maps, `[batch, height * width]`, float32 even where x is in half precision.
 * @throws {TypeError} If x does not have four dimensions.
 * @throws {RangeError} If there is no such map.
 * @example
 * ```ts
 * import { activationMap, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([3, -4, 1, 0], [1, 1, 2, 2]);
 * assert.deepEqual([...await activationMap(x).read()], [25, 1]);
 * assert.deepEqual([...await activationMap(x, { map: "max" }).read()], [4, 1]);
 * ```
 */
export function activationMap(x: Tensor, { map = "sum^2" }: { map?: string } = {}): Tensor {
  const [batch, height, width, channels] = fourSizes(x, "take the activation map of x");
  const dtype = wantReal(x, "take the activation map of x");
  const { reduce, power } = parseMap(map);
  const positions = height * width;
  const stored = padded(positions);
  const constants = { batch, positions, stored, quads: quadsOf(channels), power };
  const y = x.gpu.empty([batch, positions], { label: "activation_map.y" });
  const place = reduce === "max"
    ? [x.gpu.empty([batch, positions], { label: "activation_map.place", dtype: "u32" })]
    : [];
  kernel.dispatch(`forward_${reduce}`, {
    read: [x],
    write: [y, ...place],
    constants,
    grid: gridFor(batch * stored, 64),
  });
  return record({
    name: "activationMap",
    inputs: [x],
    output: y,
    vjp: (dy) => {
      const dx = x.gpu.empty(x.shape, { label: "activation_map.dx", dtype });
      kernel.dispatch(`vjp_${reduce}`, {
        read: [x, dy, ...place],
        write: [dx],
        constants,
        grid: gridFor(storedQuads(dx), 64),
      });
      return [dx];
    },
    differentiableVjp: null,
  });
}
