import source from "../../kernels/one_hot.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import { padded } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { storedQuads, wantType } from "./shapes.ts";

const kernel = new Kernel("one_hot", source);

/**
 * Rows of zeros with a one at each sample's label.
 *
 * @param labels Class numbers, u32, `[batch]`.
 * @param classes The number of classes.
 * @returns `[batch, classes]`.
 * @throws {TypeError} If the labels are not u32.
 * @example
 * ```ts
 * import { Gpu, oneHot } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const rows = oneHot(gpu.tensor([1, 0], [2], { dtype: "u32" }), 2);
 * assert.deepEqual([...await rows.read()], [0, 1, 1, 0]);
 * ```
 */
export function oneHot(labels: Tensor, classes: number): Tensor {
  wantType(labels, "u32", "make labels one-hot");
  const y = labels.gpu.empty([labels.size, classes], { label: "one_hot.y" });
  const count = storedQuads(y) * 4;
  kernel.dispatch("forward", {
    read: [labels],
    write: [y],
    constants: { count, stored: padded(classes) },
    grid: gridFor(count, 64),
  });
  return y;
}
