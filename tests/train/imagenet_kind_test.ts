import assert from "node:assert/strict";
import { fit } from "../../lib/train/fit.ts";
import { IMAGENET_KIND } from "../../lib/train/imagenet_kind.ts";
import { IMAGENET_DEFAULTS, imageNetRunName } from "../../lib/train/settings/imagenet_settings.ts";
import { resNetBlocksOf } from "../../lib/models/resnet_sizes.ts";
import { CallCounter } from "../support/call_counter.ts";
import { testGpu } from "../support/gpu.ts";
import { tinyModel, tinySet, weightsOf } from "../support/tiny.ts";

const SETTINGS = {
  ...IMAGENET_DEFAULTS,
  batch_size: 4,
  epochs: 3,
  beta: 100,
  taps: [0, 1],
  teacher_random: 0,
  imagenetpath: "photos",
};

/** The weights after each epoch, and the loss of each step. */
async function trained(settings: Partial<typeof SETTINGS>, listener = {}) {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  using teacher = tinyModel(gpu, { seed: 1 });
  const after: Uint8Array[] = [];
  const losses: number[][] = [];
  const totals: number[] = [];
  await fit(model, {
    ...IMAGENET_KIND.stepOptions({ ...SETTINGS, ...settings }, { model, teacher }),
    data: tinySet({ train: 8, test: 4 }),
    teacher,
    epochs: 3,
    onEpoch: async ({ steps, evaluation }) => {
      after.push(await weightsOf(model));
      losses.push(steps.map(({ loss }) => loss));
      totals.push(evaluation.totalLoss - evaluation.loss);
    },
    ...listener,
  });
  return { after, losses, totals };
}

Deno.test("beta_from_epoch: before it the student learns as without beta, from it on with it", async () => {
  const without = await trained({ beta: 0 });
  const from = await trained({ beta_from_epoch: 2 });
  const always = await trained({});
  assert.deepEqual(from.losses[0], without.losses[0]);
  assert.deepEqual(from.after[0], without.after[0]);
  assert.equal(from.totals[0], 0);
  assert.ok((from.totals[1] ?? 0) > 0 && (from.totals[2] ?? 0) > 0);
  assert.notDeepEqual(from.losses[1], without.losses[1]);
  assert.notDeepEqual(always.losses[0], without.losses[0]);
});

Deno.test("beta_from_epoch: the step is not recorded again", async () => {
  using made = new CallCounter(GPUDevice.prototype, ["createBindGroup", "createBuffer"]);
  const counts: Record<string, number>[] = [];
  await trained({ beta_from_epoch: 3 }, {
    onPlan: () => made.reset(),
    onSteps: () => void counts.push({ ...made.counts }),
    onEpoch: () => made.reset(),
  });
  assert.deepEqual(counts, [{}, {}, {}]);
});

Deno.test("epochLine: the original's keys in its order, accuracies as lists, no num_classes", () => {
  const line = IMAGENET_KIND.epochLine(SETTINGS, {
    train_loss: 1,
    train_acc: 50,
    train_top5: 80,
    test_loss: 2,
    test_loss_total: 3,
    test_acc: 40,
    test_top5: NaN,
    epoch: 1,
    num_classes: 20,
    n_parameters: 110,
    n_trainable: 100,
    train_time: 10,
    test_time: 2,
    at_losses: [[1, 2]],
  });
  const fields = JSON.parse(line.replace(/^json_stats: /, ""));
  assert.deepEqual(Object.keys(fields).slice(20), [
    "train_loss",
    "train_acc",
    "test_loss",
    "test_acc",
    "epoch",
    "n_parameters",
    "train_time",
    "test_time",
    "at_losses",
    "test_loss_total",
  ]);
  assert.deepEqual([fields.train_acc, fields.test_acc], [[50, 80], [40, null]]);
  assert.equal(fields.n_parameters, 100);
  assert.equal(fields.epoch_step, "[30,60,90]");
});

Deno.test("imageNetRunName: says the method, the student and the teacher", () => {
  const name = (settings: Partial<typeof IMAGENET_DEFAULTS>) =>
    imageNetRunName({ ...IMAGENET_DEFAULTS, ...settings });
  assert.equal(name({}), "resnet_imagenet_18_1");
  assert.equal(
    name({ depth: 34, beta: 1, alpha: 1, teacher_params: "a/resnet-34-export.hkl" }),
    "at_kd_imagenet_34_1_from_resnet-34-export",
  );
  assert.equal(name({ beta: 1, teacher_random: 3 }), "at_imagenet_18_1_from_random_3");
});

Deno.test("a ResNet-34 with the original's blocks has the original's 31,237,160 parameters", () => {
  const sizes = { widths: [64, 128, 256, 512], stem: 64, classes: 1000 } as const;
  const count = (blocks: readonly [number, number, number, number]) => {
    const each = resNetBlocksOf({ ...sizes, blocks }).flat().map((
      { inputs, outputs, hasShortcut },
    ) => 9 * outputs * (inputs + outputs) + 4 * outputs + (hasShortcut ? inputs * outputs : 0));
    return each.reduce((a, b) => a + b, 64 * 3 * 49 + 128 + 512 * 1000 + 1000);
  };
  assert.equal(count([3, 4, 6, 5]), 31_237_160);
});
