import source from "../../kernels/attention_loss.wgsl" with { type: "text" };
import { gridFor, Kernel, type Merged, type Pair } from "../gpu/kernel.ts";
import { padded, quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { addInStore } from "./epilogue.ts";
import { lanesOf } from "./lanes.ts";
import { factorOf, scale } from "./scale.ts";
import { fourSizes, storedQuads, wantReal, wantShape, wantType } from "./shapes.ts";
import { sum } from "./sum.ts";

const kernel = new Kernel("attention_loss", source, [
  "batch",
  "positions",
  "stored",
  "channels",
  "quads",
  "teacher_channels",
  "teacher_quads",
]);

/**
 * The mean over batch and positions of the squared difference of two unit-length attention maps: what
 * {@link meanSquaredDifference} of two {@link attentionMap}s comes to, without storing the maps' gradients. Its maps are
 * means over the channels, as the original's, where {@link activationMap} has the paper's sums: at unit length they are
 * the same, unless a norm is below 1e-12. The teacher is a constant. It has no second derivative.
 *
 * @param student Activations, `[batch, height, width, channels]`.
 * @param teacher Activations of the same batch, height and width; any channels.
 * @returns A scalar.
 * @throws {TypeError} If they do not have four dimensions, or differ in batch, height or width.
 * @example
 * ```ts
 * import { attentionLoss, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const student = gpu.tensor([1, 0], [1, 1, 2, 1]);
 * const teacher = gpu.tensor([0, 0, 5, 5], [1, 1, 2, 2]);
 * assert.deepEqual([...await attentionLoss(student, teacher).read()], [1]);
 * ```
 */
export function attentionLoss(student: Tensor, teacher: Tensor): Tensor {
  const [batch, height, width, channels] = fourSizes(student, "take the attention of the student");
  const [, , , teacherChannels] = fourSizes(teacher, "take the attention of the teacher");
  wantShape(teacher, [batch, height, width, teacherChannels], "compare attention");
  wantType(teacher, wantReal(student, "take the attention of the student"), "compare attention");
  const { gpu, dtype } = student;
  const positions = height * width;
  const constants = {
    batch,
    positions,
    stored: padded(positions),
    channels,
    quads: quadsOf(channels),
    lanes: lanesOf(gpu),
  };
  const [slope, scratch] = [
    gpu.empty([batch, positions], { label: "attention_loss.slope" }),
    gpu.empty([batch, positions], { label: "attention_loss.scratch" }),
  ];
  const parts = gpu.empty([batch], { label: "attention_loss.parts" });
  kernel.dispatch("forward", {
    read: [student, teacher],
    write: [slope, scratch, parts],
    constants: {
      ...constants,
      teacher_channels: teacherChannels,
      teacher_quads: quadsOf(teacherChannels),
    },
    grid: [padded(batch)],
  });
  const y = scale(sum(parts, { keep: "none" }), 1 / (batch * positions));
  return record({
    name: "attentionLoss",
    inputs: [student],
    output: y,
    vjp: (dy) => {
      const ds = gpu.empty(student.shape, { label: "attention_loss.ds", dtype });
      kernel.dispatch("vjp", {
        read: [student, slope, dy, student],
        write: [ds],
        constants: { ...constants, lanes: 64 },
        grid: gridFor(storedQuads(ds), 64),
        fusion: { absorb: addInStore, inline: scaleLoad, inPlace: 3 },
      });
      return [ds];
    },
    differentiableVjp: null,
  });
}

/** Multiplies the loss's gradient by a fixed number as it is loaded. */
function scaleLoad({ producer, consumer: { read, constants }, through }: Pair): Merged | null {
  const factor = factorOf(producer);
  if (factor === null || constants["factor"] !== undefined) return null;
  return {
    read: read.flatMap((tensor) => tensor.storage === through.storage ? producer.read : [tensor]),
    constants: { ...constants, factor },
  };
}
