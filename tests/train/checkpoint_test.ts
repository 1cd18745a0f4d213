import assert from "node:assert/strict";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import type { Model } from "../../lib/models/model.ts";
import { formatCheckpoint, type Progress, readCheckpoint } from "../../lib/train/checkpoint.ts";
import type { FinishedStep } from "../../lib/train/fit.ts";
import { storeImages } from "../../lib/train/image_store.ts";
import { ResidentFeed } from "../../lib/train/resident_feed.ts";
import { Trainer, type TrainerOptions } from "../../lib/train/trainer.ts";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { formatSafetensors } from "../../lib/weights/safetensors.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { testGpu } from "../support/gpu.ts";
import { scaledLogits } from "../support/scaled_logits.ts";
import { testIn } from "../support/test_in.ts";
import { tinyModel, tinySet, weightsOf } from "../support/tiny.ts";

const SET = tinySet({ train: 4, test: 1 });

function step(number: number, loss: number): FinishedStep {
  const numbers = { step: number, epoch: 2, rate: 0.1, images: 4, seconds: 0.25, right: 3 };
  return { ...numbers, loss, losses: { attention: [1e-4, 0.125], cross_entropy: [loss] } };
}

const PROGRESS: Progress = {
  position: { step: 9, stepsOfEpoch: [step(7, 1 / 3), { ...step(8, NaN), fault: "loss" }] },
  epochs: 1,
  unlogged: [step(8, 2)],
  skipped: 1,
  best: 61.25,
};

function trainerOf(model: Model, options: Partial<TrainerOptions> = {}): Trainer {
  const { gpu } = model.parameters;
  const store = storeImages(gpu, { images: SET.train, set: SET });
  return new Trainer(model, {
    feed: new ResidentFeed(gpu, store, { batchSize: 4, order: "drawn" }),
    objective: transferTerms(),
    teacher: null,
    momentum: 0.9,
    weightDecay: 5e-4,
    nesterov: false,
    ...options,
  });
}

/** A network and its trainer, a step after their start. */
async function steppedTrainer(): Promise<Trainer> {
  const trainer = trainerOf(tinyModel(await testGpu()));
  trainer.beginEpoch(1, { rate: 0.1 });
  await trainer.submit(0);
  return trainer;
}

async function inFile(test: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  await test(path).finally(() => Deno.remove(path));
}

async function writeCheckpoint(path: string, trainer: Trainer, progress = PROGRESS): Promise<void> {
  const weights = await trainer.model.parameters.save();
  await Deno.writeFile(path, await formatCheckpoint(trainer, { weights, progress }));
}

Deno.test("checkpoint: the progress comes back number by number", () =>
  inFile(async (path) => {
    using trainer = await steppedTrainer();
    const position = { step: 0, stepsOfEpoch: [] };
    const start: Progress = { position, epochs: 0, unlogged: [], skipped: 0, best: null };
    for (const progress of [PROGRESS, start]) {
      await writeCheckpoint(path, trainer, progress);
      assert.deepEqual((await readCheckpoint(path)).progress, progress);
    }
  }));

Deno.test("checkpoint: weights, statistics and momentum come back bit by bit", () =>
  inFile(async (path) => {
    using trainer = await steppedTrainer();
    await writeCheckpoint(path, trainer);
    using other = tinyModel(await testGpu(), { seed: 9 });
    using restored = trainerOf(other);
    (await readCheckpoint(path)).restore(restored);
    assertSameBytes(await weightsOf(other), await weightsOf(trainer.model), "weights");
    const momentum = async ({ velocity }: Trainer) => formatSafetensors(await velocity.save());
    assertSameBytes(await momentum(restored), await momentum(trainer), "momentum");
    assert.ok((await restored.velocity.flat.read()).some((value) => value !== 0));
  }));

Deno.test("checkpoint: the objective's own parameters come back with their momentum", () =>
  inFile(async (path) => {
    const gpu = await testGpu();
    const objective = [...transferTerms(), scaledLogits({ weight: 0.1, classes: SET.classes })];
    using trainer = trainerOf(tinyModel(gpu), { objective });
    trainer.beginEpoch(1, { rate: 0.1 });
    await trainer.submit(0);
    await writeCheckpoint(path, trainer);
    using restored = trainerOf(tinyModel(gpu), { objective });
    (await readCheckpoint(path)).restore(restored);
    const [found, wanted] = await Promise.all([restored, trainer].map(async ({ learned }) => {
      const own = learned[1];
      assert.ok(own !== undefined);
      const name = "scaled.factor";
      return await gpu.read([own.parameters.get(name), own.velocity.get(name)]);
    }));
    assert.deepEqual(found, wanted);
    assert.ok(wanted?.every((values) => values.every((value) => value !== 0 && value !== 1)));
    assert.deepEqual([...(await readWeights(path)).tensors.keys()].slice(-2), [
      "objective.parameters.scaled.factor",
      "objective.momentum.scaled.factor",
    ]);
  }));

Deno.test("checkpoint: none is made of a number that is not finite, in weights or momentum", async () => {
  using trainer = await steppedTrainer();
  const format = async () =>
    await formatCheckpoint(trainer, {
      weights: await trainer.model.parameters.save(),
      progress: PROGRESS,
    });
  for (
    const [tensor, name] of [
      [trainer.velocity.get("conv1"), "momentum.conv1"],
      [trainer.model.parameters.get("bn.running_var"), "parameters.bn.running_var"],
    ] as const
  ) {
    const values = await tensor.read();
    tensor.write(values.with(values.length - 1, -Infinity));
    await assert.rejects(format(), {
      name: "RangeError",
      message: `Cannot save before step 9: ${name} must be finite, found -Infinity in it; ` +
        "lower the learning rate",
    });
  }
});

Deno.test("checkpoint: steps of earlier versions kept the attention losses alone", () =>
  inFile(async (path) => {
    using trainer = await steppedTrainer();
    await writeCheckpoint(path, trainer);
    const { tensors, metadata } = await readWeights(path);
    const older = (metadata["progress"] ?? "")
      .replaceAll(/"losses":\{("attention":\[[^\]]*\]),[^}]*\}/g, "$1");
    assert.notEqual(older, metadata["progress"]);
    await Deno.writeFile(path, formatSafetensors(tensors, { progress: older }));
    const { progress: { unlogged } } = await readCheckpoint(path);
    assert.deepEqual(unlogged.map(({ losses }) => losses), [{ attention: [1e-4, 0.125] }]);
  }));

testIn(
  "f16",
  "checkpoint: the loss scale comes back, and half precision is refused without one",
  () =>
    inFile(async (path) => {
      using trainer = trainerOf(tinyModel(await testGpu()), { dtype: "f16" });
      trainer.lossScale?.write({ scale: 2 ** -3, good: 1999, skipped: 17 });
      await trainer.submit(0);
      const scaling = { scale: 0.125, isSkipped: true };
      const stepsOfEpoch = [{ ...step(8, NaN), scaling }];
      const progress = { ...PROGRESS, position: { step: 9, stepsOfEpoch } };
      await writeCheckpoint(path, trainer, progress);
      const checkpoint = await readCheckpoint(path);
      assert.deepEqual(checkpoint.lossScale, { scale: 0.25, good: 0, skipped: 17 });
      assert.deepEqual(checkpoint.progress, progress);
      using restored = trainerOf(tinyModel(await testGpu()), { dtype: "f16" });
      checkpoint.restore(restored);
      assert.deepEqual(await restored.lossScale?.read(), checkpoint.lossScale);

      using single = await steppedTrainer();
      await writeCheckpoint(path, single);
      const other = await readCheckpoint(path);
      assert.equal(other.lossScale, null);
      assert.throws(() => other.restore(restored), {
        name: "TypeError",
        message:
          `Cannot resume from ${path} in half precision: wanted a checkpoint with its loss scale, found none`,
      });
    }),
);

Deno.test("checkpoint: one of another network is refused", () =>
  inFile(async (path) => {
    using trainer = await steppedTrainer();
    await writeCheckpoint(path, trainer);
    using wider = tinyModel(await testGpu(), { channels: 5 });
    using restored = trainerOf(wider);
    const checkpoint = await readCheckpoint(path);
    const before = await weightsOf(wider);
    assert.throws(() => checkpoint.restore(restored), {
      name: "TypeError",
      message: `Cannot load weights: conv0 must be [5, 3, 3, 3], found [4, 3, 3, 3] in ${path}, ` +
        "which has 8 tensors (conv0, bn.weight, bn.bias, bn.running_mean, ...)",
    });
    assertSameBytes(await weightsOf(wider), before, "weights");
  }));

Deno.test("checkpoint: a file without its progress is refused", () =>
  inFile(async (path) => {
    using trainer = await steppedTrainer();
    const weights = await trainer.model.parameters.save();
    for (const metadata of [{}, { progress: "null" }, { progress: "{}" }, { progress: "{" }]) {
      await Deno.writeFile(path, formatSafetensors(weights, metadata));
      await assert.rejects(readCheckpoint(path), {
        name: "TypeError",
        message: `Cannot resume from ${path}: wanted a checkpoint with its progress, found none`,
      });
    }
  }));
