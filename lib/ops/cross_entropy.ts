import source from "../../kernels/cross_entropy.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import { padded } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { broadcast, spreadLoad } from "./broadcast.ts";
import { multiply } from "./multiply.ts";
import { oneHot } from "./one_hot.ts";
import { storedQuads, twoSizes, wantShape, wantType } from "./shapes.ts";
import { softmax } from "./softmax.ts";
import { subtract } from "./subtract.ts";

const kernel = new Kernel("cross_entropy", source);

/**
 * Softmax cross-entropy of each sample, `-log softmax(logits)[label]`.
 *
 * @param logits `[batch, classes]`.
 * @param labels Class numbers, u32, `[batch]`.
 * @returns A loss a sample, `[batch]`.
 * @throws {TypeError} If the shapes do not fit, or the labels are not u32.
 * @example
 * ```ts
 * import { crossEntropy, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const labels = gpu.tensor([1], [1], { dtype: "u32" });
 * const [loss = NaN] = await crossEntropy(gpu.tensor([0, 0], [1, 2]), labels).read();
 * assert.ok(Math.abs(loss - Math.LN2) < 1e-6);
 * ```
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const [batch, classes] = twoSizes(logits, "take the cross-entropy of the logits");
  wantShape(labels, [batch], "take the cross-entropy");
  wantType(labels, "u32", "take the cross-entropy");
  wantType(logits, "f32", "take the cross-entropy of the logits");
  const { gpu } = logits;
  const losses = gpu.empty([batch], { label: "cross_entropy.losses" });
  const normalisers = gpu.empty([2, batch], { label: "cross_entropy.normalisers" });
  const constants = { batch, classes, stored: padded(classes), padded: padded(batch) };
  kernel.dispatch("forward", {
    read: [logits, labels],
    write: [losses, normalisers],
    constants,
    grid: [padded(batch)],
  });
  return record({
    name: "crossEntropy",
    inputs: [logits],
    output: losses,
    vjp: (dlosses) => {
      const dx = gpu.empty(logits.shape, { label: "cross_entropy.dx" });
      kernel.dispatch("vjp", {
        read: [logits, labels, normalisers, dlosses],
        write: [dx],
        constants,
        grid: gridFor(storedQuads(dx) * 4, 64),
        fusion: { inline: spreadLoad },
      });
      return [dx];
    },
    differentiableVjp: (dlosses) => [
      multiply(
        subtract(softmax(logits), oneHot(labels, classes)),
        broadcast(dlosses, logits.shape, { keep: "samples" }),
      ),
    ],
  });
}
