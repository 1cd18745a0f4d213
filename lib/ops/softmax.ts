import source from "../../kernels/softmax.wgsl" with { type: "text" };
import { Kernel } from "../gpu/kernel.ts";
import { padded } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { broadcast } from "./broadcast.ts";
import { multiply } from "./multiply.ts";
import { scale } from "./scale.ts";
import { twoSizes, wantType } from "./shapes.ts";
import { subtract } from "./subtract.ts";
import { sum } from "./sum.ts";

const kernel = new Kernel("softmax", source);

/**
 * Softmax over the classes.
 *
 * @param logits `[batch, classes]`.
 * @param options.temperature What the logits are divided by first. Default: 1.
 * @returns Probabilities, `[batch, classes]`.
 * @throws {TypeError} If the logits do not have two dimensions or are not float32.
 * @throws {RangeError} If the temperature is not positive.
 * @example
 * ```ts
 * import { Gpu, softmax } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * assert.deepEqual([...await softmax(gpu.tensor([2, 2], [1, 2])).read()], [0.5, 0.5]);
 * ```
 */
export function softmax(
  logits: Tensor,
  { temperature = 1 }: { temperature?: number } = {},
): Tensor {
  return softmaxWithLogSum(logits, { temperature }).probabilities;
}

/** Softmax together with the logarithm of its denominator, `[batch]`, which the losses need. */
export function softmaxWithLogSum(
  logits: Tensor,
  { temperature }: { temperature: number },
): { probabilities: Tensor; logSum: Tensor } {
  const [batch, classes] = twoSizes(logits, "take the softmax of the logits");
  wantType(logits, "f32", "take the softmax of the logits");
  if (!(temperature > 0)) {
    throw new RangeError(
      `Cannot take the softmax: the temperature must be positive, found ${temperature}`,
    );
  }
  const y = logits.gpu.empty(logits.shape, { label: "softmax.y" });
  const logSum = logits.gpu.empty([batch], { label: "softmax.log_sum" });
  kernel.dispatch("forward", {
    read: [logits],
    write: [y, logSum],
    constants: { batch, classes, stored: padded(classes), temperature },
    grid: [padded(batch)],
  });
  const probabilities = record({
    name: "softmax",
    inputs: [logits],
    output: y,
    vjp: (dy) => {
      const along = broadcast(sum(multiply(dy, y), { keep: "samples" }), y.shape, {
        keep: "samples",
      });
      return [scale(multiply(y, subtract(dy, along)), 1 / temperature)];
    },
  });
  return { probabilities, logSum };
}
