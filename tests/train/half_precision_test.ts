import assert from "node:assert/strict";
import type { RealType } from "../../lib/gpu/dtype.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import { wideResNet } from "../../lib/models/wide_resnet.ts";
import { groupWidths } from "../../lib/models/wide_resnet_sizes.ts";
import { evaluate } from "../../lib/train/evaluate.ts";
import { type FinishedStep, fit } from "../../lib/train/fit.ts";
import { storeImages } from "../../lib/train/image_store.ts";
import { ResidentFeed } from "../../lib/train/resident_feed.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { testIn } from "../support/test_in.ts";
import { tinyModel, tinySet } from "../support/tiny.ts";
import { trained } from "../support/trained.ts";

/** The mean of each 20 losses, one after the other. */
function smoothed(steps: readonly FinishedStep[], window = 20): number[] {
  return Array.from({ length: Math.floor(steps.length / window) }, (_, at) => {
    const part = steps.slice(at * window, (at + 1) * window);
    return part.reduce((sum, { loss }) => sum + loss, 0) / window;
  });
}

/** The steps of a run of WRN-10-0.25 on the tiny set. */
async function stepsOf(dtype: RealType, maxSteps: number): Promise<FinishedStep[]> {
  const gpu = await testGpu();
  using model = wideResNet(gpu, { depth: 10, widths: groupWidths(0.25), classes: 4, seed: 0 });
  const steps: FinishedStep[] = [];
  await fit(model, {
    data: tinySet({ train: 400, test: 10 }),
    epochs: 20,
    maxSteps,
    batchSize: 16,
    learningRate: 0.003,
    dtype,
    onSteps: (finished) => void steps.push(...finished),
  });
  return steps;
}

testIn("f16", "half precision: the loss curve is float32's within 2 % over 200 steps", async () => {
  const [single, half] = [await stepsOf("f32", 200), await stepsOf("f16", 200)];
  assert.ok(half.every(({ scaling }) => scaling?.scale === 65536 && !scaling.isSkipped));
  assert.notDeepEqual(half.map(({ loss }) => loss), single.map(({ loss }) => loss));
  const wanted = smoothed(single);
  assert.ok((wanted.at(-1) ?? NaN) < 0.9 * (wanted[0] ?? NaN), "nothing was learnt");
  assertClose(smoothed(half), wanted, { rtol: 0.02, what: "loss" });
});

testIn(
  "f16",
  "half precision: with attention transfer and distillation, the first losses are float32's",
  async () => {
    using teacher = tinyModel(await testGpu(), { seed: 5 });
    const options = {
      teacher,
      objective: transferTerms({ alpha: 0.9, beta: 100 }),
      learningRate: 1e-3,
    };
    const [single, half] = [await trained(options), await trained({ ...options, dtype: "f16" })];
    assert.equal(half.steps.length, single.steps.length);
    assertClose(half.steps.map(({ loss }) => loss), single.steps.map(({ loss }) => loss), {
      rtol: 5e-3,
      what: "loss",
    });
    const maps = (steps: readonly FinishedStep[]) =>
      steps.flatMap(({ losses }) => losses["attention"] ?? []);
    assertClose(maps(half.steps), maps(single.steps), { rtol: 2e-2, what: "attention loss" });
    assert.ok(single.steps.every(({ scaling }) => scaling === undefined));
  },
);

testIn(
  "f16",
  "half precision: overflow skips steps until the scale fits, and training goes on",
  async () => {
    const gpu = await testGpu();
    const data = tinySet({ train: 32, test: 32 });
    using model = tinyModel(gpu);
    const steps: FinishedStep[] = [];
    const evaluation = await fit(model, {
      data,
      epochs: 20,
      batchSize: 8,
      learningRate: 0.05,
      dropEpochs: [],
      dtype: "f16",
      lossScale: { initial: 2 ** 34 },
      onSteps: (finished) => void steps.push(...finished),
    });
    const skipped = steps.map(({ scaling }) => scaling?.isSkipped);
    const count = skipped.indexOf(false);
    assert.ok(count > 2, `wanted some steps skipped, found ${count}`);
    steps.slice(0, count).forEach(({ scaling }, step) => {
      assert.equal(scaling?.scale, 2 ** (34 - step));
    });
    const [first = NaN, last = NaN] = [smoothed(steps, 8)[0], smoothed(steps, 8).at(-1)];
    assert.ok(last < 0.7 * first, `wanted the loss to fall, found ${first} to ${last}`);
    assert.ok(evaluation !== null && evaluation.accuracy > 50, `accuracy ${evaluation?.accuracy}`);
    const half = await evaluate(model, { data, dtype: "f16" });
    const single = await evaluate(model, { data });
    assert.notEqual(half.loss, single.loss);
    assertClose([half.loss], [single.loss], { rtol: 1e-2, what: "test loss" });
  },
);

testIn(
  "f16",
  "half precision: a skipped step moves the running statistics and nothing else",
  async () => {
    const gpu = await testGpu();
    const set = tinySet({ train: 8, test: 1 });
    using model = tinyModel(gpu);
    const store = storeImages(gpu, { images: set.train, set });
    using trainer = new Trainer(model, {
      feed: new ResidentFeed(gpu, store, { batchSize: 8, order: "endless" }),
      objective: transferTerms(),
      teacher: null,
      momentum: 0.9,
      weightDecay: 5e-4,
      nesterov: false,
      dtype: "f16",
      lossScale: { initial: 2 ** 60 },
    });
    trainer.beginEpoch(1, { rate: 0.1 });
    const state = () => gpu.read([...model.parameters.trainable, ...trainer.velocity.trainable]);
    const before = await state();
    await trainer.submit(0);
    assert.deepEqual(await state(), before);
    assert.ok((await model.parameters.get("bn.running_mean").read()).some((value) => value !== 0));
    assert.deepEqual(await trainer.lossScale?.read(), { scale: 2 ** 59, good: 0, skipped: 1 });
    trainer.lossScale?.write({ scale: 256, good: 0, skipped: 1 });
    await trainer.submit(1);
    assert.notDeepEqual(await state(), before);
    const results = await trainer.take();
    assert.deepEqual(results.map(({ scaling }) => scaling), [
      { scale: 2 ** 60, isSkipped: true },
      { scale: 256, isSkipped: false },
    ]);
  },
);
