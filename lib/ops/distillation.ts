import source from "../../kernels/distillation.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import { padded } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record, stopGradient } from "../tape.ts";
import { broadcast, spreadLoad } from "./broadcast.ts";
import { multiply } from "./multiply.ts";
import { scale } from "./scale.ts";
import { storedQuads, twoSizes, wantShape } from "./shapes.ts";
import { softmax, softmaxWithLogSum } from "./softmax.ts";
import { subtract } from "./subtract.ts";

const kernel = new Kernel("distillation", source);

/**
 * Knowledge distillation of each sample ({@link https://arxiv.org/abs/1503.02531 | Hinton et al. 2015}):
 * `T^2 KL(softmax(teacher / T) || softmax(student / T))`. The teacher is a constant.
 *
 * @param student Logits, `[batch, classes]`.
 * @param teacher Logits, `[batch, classes]`.
 * @param options.temperature T.
 * @returns A loss a sample, `[batch]`.
 * @throws {TypeError} If the shapes do not fit.
 * @throws {RangeError} If the temperature is not positive.
 * @example
 * ```ts
 * import { distillation, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const logits = gpu.tensor([1, 2], [1, 2]);
 * const losses = await distillation(logits, logits, { temperature: 4 }).read();
 * assert.ok(Math.abs(losses[0] ?? NaN) < 1e-5);
 * ```
 */
export function distillation(
  student: Tensor,
  teacher: Tensor,
  { temperature }: { temperature: number },
): Tensor {
  const [batch, classes] = twoSizes(student, "distil into the student's logits");
  wantShape(teacher, [batch, classes], "distil from the teacher's logits");
  const constant = stopGradient(teacher);
  const q = softmaxWithLogSum(student, { temperature });
  const p = softmaxWithLogSum(constant, { temperature });
  const losses = student.gpu.empty([batch], { label: "distillation.losses" });
  const stored = padded(classes);
  kernel.dispatch("forward", {
    read: [student, constant, q.logSum, p.logSum, p.probabilities],
    write: [losses],
    constants: { count: batch, padded: padded(batch), classes, stored, temperature },
    grid: gridFor(padded(batch), 64),
  });
  return record({
    name: "distillation",
    inputs: [student],
    output: losses,
    vjp: (dlosses) => {
      const dstudent = student.gpu.empty(student.shape, { label: "distillation.dstudent" });
      const count = storedQuads(dstudent) * 4;
      kernel.dispatch("vjp", {
        read: [q.probabilities, p.probabilities, dlosses],
        write: [dstudent],
        constants: { count, stored, temperature },
        grid: gridFor(count, 64),
        fusion: { inline: spreadLoad },
      });
      return [dstudent];
    },
    differentiableVjp: (dlosses) => [
      multiply(
        scale(subtract(softmax(student, { temperature }), p.probabilities), temperature),
        broadcast(dlosses, student.shape, { keep: "samples" }),
      ),
    ],
  });
}
