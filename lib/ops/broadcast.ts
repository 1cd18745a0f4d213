import source from "../../kernels/broadcast.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import { quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { storedQuads, wantShape } from "./shapes.ts";
import { type Keep, sum } from "./sum.ts";

const kernel = new Kernel("broadcast", source);

/**
 * Repeats a tensor over the dimensions that a {@link sum} with the same `keep` would add up.
 *
 * @param v `[channels]`, `[batch]` or a scalar.
 * @param shape The shape of the result.
 * @param options.keep Which dimension of the result v's values run along.
 * @returns A tensor of the given shape.
 * @throws {TypeError} If v does not fit the shape.
 * @example
 * ```ts
 * import { broadcast, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const rows = broadcast(gpu.tensor([1, 2], [2]), [2, 3], { keep: "samples" });
 * assert.deepEqual([...await rows.read()], [1, 1, 1, 2, 2, 2]);
 * ```
 */
export function broadcast(v: Tensor, shape: readonly number[], { keep }: { keep: Keep }): Tensor {
  const channels = shape.at(-1) ?? 1;
  const samples = shape[0] ?? 1;
  const from = keep === "channels" ? [channels] : keep === "samples" ? [samples] : [];
  wantShape(v, from, `broadcast to [${shape.join(", ")}]`);
  const y = v.gpu.empty(shape, { label: "broadcast.y" });
  const quads = storedQuads(y);
  const rows = quads / quadsOf(channels);
  kernel.dispatch(keep === "channels" ? "over_rows" : "over_channels", {
    read: [v],
    write: [y],
    constants: {
      quads,
      channels,
      rows_each: keep === "samples" ? rows / samples : Math.max(rows, 1),
    },
    grid: gridFor(quads, 64),
  });
  return record({ name: "broadcast", inputs: [v], output: y, vjp: (dy) => [sum(dy, { keep })] });
}
