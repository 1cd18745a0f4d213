import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { fuse } from "../../lib/gpu/fuse.ts";
import { writeInPlace } from "../../lib/gpu/in_place.ts";
import { peakOf } from "../../lib/gpu/peak.ts";
import { type MemoryPlan, planMemory } from "../../lib/gpu/plan.ts";
import { StepValues } from "../../lib/gpu/step_values.ts";
import { gradients } from "../../lib/gradients.ts";
import { transferTerms, type TransferWeights } from "../../lib/losses/transfer_terms.ts";
import { freeze } from "../../lib/models/model.ts";
import { wideResNet } from "../../lib/models/wide_resnet.ts";
import { groupWidths } from "../../lib/models/wide_resnet_sizes.ts";
import { imageBatch } from "../../lib/ops/images.ts";
import { topK } from "../../lib/ops/top_k.ts";
import { sgd } from "../../lib/optim/sgd.ts";
import { appendHistory, HISTORY_COLUMNS } from "../../lib/ops/history.ts";
import { withoutGradients } from "../../lib/tape.ts";
import { cardGpu, testGpu } from "../support/gpu.ts";
import { storeOf } from "../support/images.ts";
import { lossesOf } from "../support/losses.ts";

const BATCH = 128;

/** Plans a step of WRN-16-1 from WRN-16-2 as a trainer records it, without compiling or allocating anything. */
function planStep(
  gpu: Gpu,
  { fusion, ...weights }: TransferWeights & { fusion: boolean },
): MemoryPlan {
  const network = (width: number) =>
    wideResNet(gpu, { depth: 16, widths: groupWidths(width), classes: 10, seed: 0 });
  using student = network(1);
  using velocity = network(1);
  using teacher = network(2);
  using frozen = freeze(teacher);
  const store = storeOf(gpu, { bytes: new Uint8Array(3 * 32 * 32), labels: [0], size: 32 });
  const order = gpu.zeros([1], { dtype: "u32" });
  using values = new StepValues(gpu, ["rate", "epoch", "start", "row"]);
  const table = gpu.zeros([4, HISTORY_COLUMNS]);
  const { dispatches: recorded } = gpu.record(() => {
    const { x, labels } = imageBatch(store, {
      batch: BATCH,
      order,
      start: values.at("start"),
      epoch: values.at("epoch"),
      seed: 0,
      padding: 4,
      flips: true,
    });
    const taught = withoutGradients(() => frozen.apply(x));
    const learned = student.apply(x, { training: true });
    const { total, of } = lossesOf(transferTerms(weights), {
      student: learned,
      teacher: taught,
      labels,
    });
    sgd(student.parameters, gradients(total, student.parameters.trainable), {
      velocity: velocity.parameters,
      learningRate: values.at("rate"),
      momentum: 0.9,
      weightDecay: 5e-4,
    });
    const scalars = [
      total,
      topK(learned.logits, labels),
      ...of("cross_entropy"),
      ...of("distillation"),
      ...of("attention"),
    ];
    appendHistory(table, scalars, { row: values.at("row") });
  });
  const outputs = new Set<never>();
  const slots = gpu.device.limits.maxStorageBuffersPerShaderStage;
  if (!fusion) return planMemory(recorded, outputs);
  const { dispatches } = fuse(recorded, { outputs, slots });
  return planMemory(writeInPlace(dispatches, outputs), outputs);
}

const LOSSES = {
  "attention transfer": { weights: { beta: 1000 }, most: 160 },
  "distillation": { weights: { alpha: 0.9 }, most: 165 },
  "both": { weights: { alpha: 0.9, beta: 1000 }, most: 170 },
};

for (const [name, { weights, most }] of Object.entries(LOSSES)) {
  Deno.test(`a step of ${name}: at most ${most} dispatches, and hardly more bytes than are alive at its peak`, async () => {
    using card = await cardGpu();
    for (const gpu of [await testGpu(), card]) {
      const plan = planStep(gpu, { fusion: true, ...weights });
      assert.ok(plan.dispatches.length <= most, `${plan.dispatches.length} dispatches`);
      const { bytes } = peakOf(plan);
      assert.ok(bytes <= plan.peakBytes && plan.peakBytes <= 1.02 * bytes, `${plan.peakBytes}`);
      const share = plan.peakBytes / plan.intermediateBytes;
      assert.ok(share <= 0.35, `${share} of ${plan.intermediateBytes} bytes`);
      const apart = planStep(gpu, { fusion: false, ...weights });
      assert.ok(plan.intermediateBytes < 0.7 * apart.intermediateBytes);
    }
  });
}
