import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { Program } from "../../lib/gpu/program.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { gradients } from "../../lib/gradients.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import type { Model } from "../../lib/models/model.ts";
import { networkInNetwork } from "../../lib/models/nin.ts";
import { resNet } from "../../lib/models/resnet.ts";
import { wideResNet } from "../../lib/models/wide_resnet.ts";
import { assertClose } from "../support/assert_close.ts";
import { cardGpu, softwareGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";
import { assertSameValues } from "../support/same_values.ts";
import { readChecked } from "../support/stored.ts";
import { lossesOf } from "../support/losses.ts";

const MODELS = {
  "a wide ResNet": (gpu: Gpu, seed: number) =>
    wideResNet(gpu, { depth: 10, widths: [16, 8, 12], classes: 4, seed }),
  "a ResNet": (gpu: Gpu, seed: number) =>
    resNet(gpu, { blocks: [1, 1, 1, 1], widths: [8, 8, 12, 12], stem: 8, classes: 4, seed }),
  "a Network-in-Network": (gpu: Gpu, seed: number) =>
    networkInNetwork(gpu, { widths: [[8, 8, 12], [8, 8, 12], [8, 8, 12]], classes: 4, seed }),
};

/** Of such images no store of rows.wgsl makes the moments for a batch normalisation, which rounds differently. */
const SIDE = 24;

/** Everything that a training pass with all losses computes, each gradient and statistic included. */
async function trainingPass(
  gpu: Gpu,
  { make, fusion }: { make: (gpu: Gpu, seed: number) => Model; fusion: boolean },
): Promise<{ values: Float32Array[]; count: number }> {
  using student = make(gpu, 1);
  using teacher = make(gpu, 2);
  const shape = [2, SIDE, SIDE, 3];
  const x = gpu.tensor(randomValues(sizeOf(shape), { seed: 3, from: -2, to: 2 }), shape);
  const labels = gpu.tensor([1, 3], [2], { dtype: "u32" });
  const { trainable, specs } = student.parameters;
  using program = await Program.record(gpu, {
    label: "training pass",
    fusion,
    build: (): Tensor[] => {
      const taught = teacher.apply(x, { training: false });
      const learned = student.apply(x, { training: true });
      const { total, of } = lossesOf(transferTerms({ alpha: 0.5, beta: 100 }), {
        student: learned,
        teacher: taught,
        labels,
      });
      return [total, ...of("cross_entropy"), ...of("attention"), ...gradients(total, trainable)];
    },
  });
  program.run();
  const statistics = specs.filter((spec) => !spec.trainable).map(({ name }) =>
    student.parameters.get(name)
  );
  return {
    values: await readChecked([...program.outputs, ...statistics]),
    count: program.plan.dispatches.length,
  };
}

for (const [name, make] of Object.entries(MODELS)) {
  Deno.test(`${name} trains to the same values with its dispatches merged and apart`, async () => {
    const gpu = await softwareGpu();
    const merged = await trainingPass(gpu, { make, fusion: true });
    const apart = await trainingPass(gpu, { make, fusion: false });
    await assertSameValues(merged.values, apart.values, { atol: 1e-4 });
    assert.ok(merged.count < 0.8 * apart.count, `${merged.count} of ${apart.count}`);
  });
}

for (const name of ["a wide ResNet", "a Network-in-Network"] as const) {
  Deno.test(`${name} trains alike with its dispatches merged and apart on a card`, async () => {
    const make = MODELS[name];
    using gpu = await cardGpu();
    const merged = await trainingPass(gpu, { make, fusion: true });
    const apart = await trainingPass(gpu, { make, fusion: false });
    apart.values.forEach((wanted, at) => {
      const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const what = `tensor ${at}`;
      assertClose(merged.values[at] ?? [], wanted, { atol: 1e-4 * largest, what });
    });
    assert.equal(merged.values.length, apart.values.length);
    assert.ok(merged.count < 0.8 * apart.count, `${merged.count} of ${apart.count}`);
  });
}
