import assert from "node:assert/strict";
import { CIFAR_DEFAULTS, type CifarSettings } from "../../lib/train/settings/cifar_settings.ts";
import { transferObjective } from "../../lib/train/transfer_objective.ts";
import { testGpu } from "../support/gpu.ts";
import { linearModel, tinyModel } from "../support/tiny.ts";

async function objectiveOf(settings: Partial<CifarSettings>, channels = 4) {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  using teacher = tinyModel(gpu, { channels });
  const full = { ...CIFAR_DEFAULTS, epochs: 10, ...settings };
  const { objective = [], statistics } = transferObjective(full, { model, teacher });
  const weightsAt = (epoch: number) =>
    Object.fromEntries(objective.map(({ name, weight }) => [
      name,
      typeof weight === "number" ? weight : weight(epoch),
    ]));
  return { objective, statistics, weightsAt };
}

Deno.test("transferObjective: each weight is the setting's, in the order of the log", async () => {
  const { objective, statistics, weightsAt } = await objectiveOf({
    alpha: 0.9,
    beta: 1000,
    fact_beta: 2,
    grad_beta: 3,
    min_l2_beta: 4,
    symmetry_beta: 5,
  });
  const names = [
    "cross_entropy",
    "distillation",
    "attention",
    "activations",
    "gradient",
    "small_gradient",
    "symmetry",
  ];
  assert.deepEqual(objective.map(({ name }) => name), names);
  assert.deepEqual(Object.values(weightsAt(1)), [1 - 0.9, 0.9, 1000, 2, 3, 4, 5]);
  assert.ok(objective.every(({ weight }) => typeof weight === "number"));
  assert.deepEqual(statistics, { student: "batch", teacher: "batch" });
});

Deno.test("transferObjective: weights decay over the epochs, and begin late where they shall", async () => {
  const { weightsAt } = await objectiveOf({
    alpha: 0.5,
    alpha_decay: "linear",
    beta: 100,
    fact_beta: 10,
    beta_decay: "linear",
    beta_from_epoch: 3,
  });
  const at = (epoch: number) => {
    const { cross_entropy: hard, distillation: soft, attention, activations } = weightsAt(epoch);
    return [hard, soft, attention, activations];
  };
  assert.deepEqual(at(1), [0.5, 0.5, 0, 10]);
  assert.deepEqual(at(6), [0.75, 0.25, 50, 5]);
});

Deno.test("transferObjective: statistics are said only where gradients are taken", async () => {
  assert.equal((await objectiveOf({ beta: 1 })).statistics, undefined);
  const { statistics } = await objectiveOf({ symmetry_beta: 1, grad_bn: "eval" });
  assert.deepEqual(statistics, { student: "running", teacher: "running" });
});

Deno.test("transferObjective: full activations are adapted where the channels differ", async () => {
  const specsOf = async (settings: Partial<CifarSettings>, channels: number) => {
    const { objective } = await objectiveOf({ fact_beta: 1, ...settings }, channels);
    const specs = objective.find(({ name }) => name === "activations")?.specs ?? [];
    return specs.map(({ name, shape }) => [name, shape]);
  };
  assert.deepEqual(await specsOf({}, 4), []);
  assert.deepEqual(await specsOf({}, 7), [["adapt0", [7, 4, 1, 1]], ["adapt1", [7, 4, 1, 1]]]);
  assert.deepEqual(await specsOf({ taps: [1] }, 7), [["adapt1", [7, 4, 1, 1]]]);
});

Deno.test("transferObjective: refuses groups that one of the networks does not have", async () => {
  await assert.rejects(objectiveOf({ beta: 1, taps: [0, 2] }), {
    name: "RangeError",
    message:
      "Cannot train: --taps must be groups of both networks, found 2, and tiny has 2 groups, from 0",
  });
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  using teacher = linearModel(gpu);
  assert.throws(() => transferObjective({ ...CIFAR_DEFAULTS, beta: 1 }, { model, teacher }), {
    message: /found 0, and linear has 0 groups, from 0$/,
  });
});
