import source from "../../kernels/broadcast.wgsl" with { type: "text" };
import type { RealType } from "../gpu/dtype.ts";
import { gridFor, Kernel, type Merged, type Pair } from "../gpu/kernel.ts";
import { type Layout, padded, quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { factorOf } from "./scale.ts";
import { storedQuads, wantSamples, wantShape, wantType } from "./shapes.ts";
import { type Keep, sum } from "./sum.ts";

const kernel = new Kernel("broadcast", source);

/**
 * Repeats a tensor over the dimensions that a {@link sum} with the same `keep` would add up.
 *
 * @param v `[channels]`, `[batch]` or a scalar, float32.
 * @param shape The shape of the result.
 * @param options.keep Which dimension of the result v's values run along.
 * @param options.layout How the result lies in memory. Default: `channels`.
 * @param options.dtype What one number of the result is. Default: float32.
 * @returns A tensor of the given shape.
 * @throws {TypeError} If v does not fit the shape, or to keep samples the shape has fewer than two dimensions.
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
export function broadcast(
  v: Tensor,
  shape: readonly number[],
  { keep, layout = "channels", dtype = "f32" }: {
    keep: Keep;
    layout?: Layout;
    dtype?: RealType;
  },
): Tensor {
  const channels = shape.at(-1) ?? 1;
  const samples = shape[0] ?? 1;
  if (keep === "samples") wantSamples(shape, "broadcast");
  const from = keep === "channels" ? [channels] : keep === "samples" ? [samples] : [];
  wantType(v, "f32", "broadcast");
  wantShape(v, from, `broadcast to [${shape.join(", ")}]`);
  const y = v.gpu.empty(shape, { label: "broadcast.y", layout, dtype });
  const quads = storedQuads(y);
  const rows = quads / quadsOf(channels);
  const inputs = layout === "weights" ? shape.at(-2) ?? 1 : 1;
  kernel.dispatch(keep === "channels" ? "over_rows" : "over_channels", {
    read: [v],
    write: [y],
    constants: {
      quads,
      channels,
      rows_each: keep === "samples" ? rows / samples : Math.max(rows, 1),
      inputs,
      stored_inputs: layout === "weights" ? padded(inputs) : 1,
    },
    grid: gridFor(quads, 64),
    fusion: { inline: scaleLoad },
  });
  return record({ name: "broadcast", inputs: [v], output: y, vjp: (dy) => [sum(dy, { keep })] });
}

/** Multiplies the numbers as they are loaded. */
function scaleLoad({ producer, consumer: { constants } }: Pair): Merged | null {
  const factor = factorOf(producer);
  if (factor === null || constants["factor"] !== undefined) return null;
  return { read: producer.read, constants: { ...constants, factor } };
}

/**
 * Loads one number for all, times a factor, where a broadcast would have repeated it: the `inline` rule of a dispatch
 * that reads a number a sample and has the overrides `spread` and `factor`.
 */
export function spreadLoad(
  { producer, consumer: { read, constants }, through }: Pair,
): Merged | null {
  const [value] = producer.read;
  if (!kernel.runs(producer, "over_channels") || value?.size !== 1) return null;
  const { factor = 1 } = producer.constants;
  return {
    read: read.map((tensor) => tensor.storage === through.storage ? value : tensor),
    constants: { ...constants, spread: 1, factor },
  };
}
