import source from "../../kernels/cross_entropy.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import { padded } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { broadcast } from "./broadcast.ts";
import { multiply } from "./multiply.ts";
import { oneHot } from "./one_hot.ts";
import { storedQuads, twoSizes, wantShape } from "./shapes.ts";
import { softmax, softmaxWithLogSum } from "./softmax.ts";
import { subtract } from "./subtract.ts";

const kernel = new Kernel("cross_entropy", source);

/**
 * Softmax cross-entropy of each sample, `-log softmax(logits)[label]`.
 *
 * @param logits `[batch, classes]`.
 * @param labels Class numbers, u32, `[batch]`.
 * @returns A loss a sample, `[batch]`.
 * @throws {TypeError} If the shapes do not fit.
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
  const { probabilities, logSum } = softmaxWithLogSum(logits, { temperature: 1 });
  const losses = logits.gpu.empty([batch], { label: "cross_entropy.losses" });
  const stored = padded(classes);
  kernel.dispatch("forward", {
    read: [logits, logSum, labels],
    write: [losses],
    constants: { count: batch, padded: padded(batch), stored },
    grid: gridFor(padded(batch), 64),
  });
  return record({
    name: "crossEntropy",
    inputs: [logits],
    output: losses,
    vjp: (dlosses) => {
      const dx = logits.gpu.empty(logits.shape, { label: "cross_entropy.dx" });
      const count = storedQuads(dx) * 4;
      kernel.dispatch("vjp", {
        read: [probabilities, dlosses, labels],
        write: [dx],
        constants: { count, stored },
        grid: gridFor(count, 64),
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
