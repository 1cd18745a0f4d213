import source from "../../kernels/top_k.wgsl" with { type: "text" };
import { Kernel } from "../gpu/kernel.ts";
import { padded } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { twoSizes, wantShape, wantType } from "./shapes.ts";

const kernel = new Kernel("top_k", source);

/**
 * Counts the samples whose label is among the k largest logits. It has no gradient.
 *
 * @param logits `[batch, classes]`.
 * @param labels Class numbers, u32, `[batch]`.
 * @param options.k How many logits may hold the label. Default: 1.
 * @returns The number of such samples, a scalar.
 * @throws {TypeError} If the shapes do not fit, or the labels are not u32.
 * @example
 * ```ts
 * import { Gpu, topK } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const logits = gpu.tensor([1, 2, 5, 3], [2, 2]);
 * const labels = gpu.tensor([1, 1], [2], { dtype: "u32" });
 * assert.deepEqual([...await topK(logits, labels).read()], [1]);
 * ```
 */
export function topK(logits: Tensor, labels: Tensor, { k = 1 }: { k?: number } = {}): Tensor {
  const [batch, classes] = twoSizes(logits, "count the right logits");
  wantType(logits, "f32", "count the right logits");
  wantShape(labels, [batch], "count the right logits");
  wantType(labels, "u32", "count the right logits");
  const y = logits.gpu.empty([], { label: "top_k.y" });
  kernel.dispatch("forward", {
    read: [logits, labels],
    write: [y],
    constants: { batch, classes, stored: padded(classes), k },
    grid: [1],
  });
  return y;
}
