import assert from "node:assert/strict";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import type { Model } from "../../lib/models/model.ts";
import { accumulatedSteps, partsOf } from "../../lib/train/batches.ts";
import { type FinishedStep, fit, type FitOptions } from "../../lib/train/fit.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { testIn } from "../support/test_in.ts";
import { linearModel, tinyModel, tinySet } from "../support/tiny.ts";

async function trained(model: Model, options: Partial<FitOptions> = {}) {
  const steps: FinishedStep[] = [];
  await fit(model, {
    data: tinySet({ train: 22, test: 4 }),
    epochs: 2,
    batchSize: 8,
    learningRate: 0.5,
    topFive: true,
    onSteps: (finished) => void steps.push(...finished),
    ...options,
  });
  const weights = await model.parameters.gpu.read(model.parameters.trainable);
  return { steps, weights: weights.flatMap((values) => [...values]) };
}

Deno.test("partsOf: a step's batches follow one another, the last step has what is left", () => {
  const batching = { count: 22, batchSize: 4, shuffle: true };
  assert.equal(accumulatedSteps(batching, 2), 3);
  const found = [0, 2, 3, 5].map((step) => partsOf(step, batching, 2));
  assert.deepEqual(found, [
    { first: 0, sizes: [4, 4] },
    { first: 4, sizes: [4, 2] },
    { first: 6, sizes: [4, 4] },
    { first: 10, sizes: [4, 2] },
  ]);
  const three = { count: 18, batchSize: 4, shuffle: true };
  assert.deepEqual(partsOf(2, three, 2), { first: 4, sizes: [2] });
  assert.deepEqual(partsOf(3, { ...three, shuffle: false }, 2), { first: 6, sizes: [4, 4] });
});

for (const accumulate of [2, 4]) {
  Deno.test(`fit: ${accumulate} batches without batch normalisation are one, short steps included`, async () => {
    const gpu = await testGpu();
    using once = linearModel(gpu);
    using parts = linearModel(gpu);
    const wanted = await trained(once);
    const found = await trained(parts, { accumulate });
    assertClose(found.weights, wanted.weights, { atol: 1e-6, rtol: 1e-5, what: "weights" });
    const of = ({ steps }: typeof wanted, value: (step: FinishedStep) => number) =>
      steps.map(value);
    assert.deepEqual(of(found, ({ images }) => images), [8, 8, 6, 8, 8, 6]);
    assertClose(of(found, ({ loss }) => loss), of(wanted, ({ loss }) => loss), { rtol: 1e-5 });
    for (
      const value of [
        ({ right }: FinishedStep) => right,
        ({ topFive }: FinishedStep) => topFive ?? NaN,
      ]
    ) {
      assert.deepEqual(of(found, value), of(wanted, value));
    }
  });
}

Deno.test("fit: with batch normalisation each batch has its own statistics", async () => {
  const gpu = await testGpu();
  using once = tinyModel(gpu);
  using parts = tinyModel(gpu);
  const [wanted, found] = [await trained(once), await trained(parts, { accumulate: 2 })];
  assert.notDeepEqual(found.weights, wanted.weights);
  const meanOf = async ({ parameters }: Model) => await parameters.get("bn.running_mean").read();
  assert.notDeepEqual(await meanOf(parts), await meanOf(once));
});

testIn(
  "f16",
  "fit: accumulated steps in half precision are scaled once a step, and skipped whole",
  async () => {
    const gpu = await testGpu();
    using model = tinyModel(gpu);
    using teacher = tinyModel(gpu, { seed: 1 });
    const { steps } = await trained(model, {
      accumulate: 2,
      dtype: "f16",
      teacher,
      objective: transferTerms({ beta: 10 }),
      lossScale: { initial: 2 ** 40 },
    });
    const scalings = steps.map(({ scaling }) => scaling);
    assert.deepEqual(scalings[0], { scale: 2 ** 40, isSkipped: true });
    assert.deepEqual(scalings[1]?.scale, 2 ** 39);
    assert.ok(steps.every(({ loss, losses }) => loss > 0 && losses["attention"]?.length === 2));
  },
);

Deno.test("fit: a step must divide into its batches", async () => {
  using model = linearModel(await testGpu());
  await assert.rejects(trained(model, { accumulate: 3 }), {
    name: "RangeError",
    message: "Cannot divide a step of 8 images into 3 batches: wanted a number that divides it",
  });
});
