import assert from "node:assert/strict";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import type { Model } from "../../lib/models/model.ts";
import { storeImages } from "../../lib/train/image_store.ts";
import { NonFiniteError } from "../../lib/train/non_finite.ts";
import { ResidentFeed } from "../../lib/train/resident_feed.ts";
import { Trainer, type TrainerOptions } from "../../lib/train/trainer.ts";
import type { ParameterSet } from "../../lib/weights/parameter_set.ts";
import { testGpu } from "../support/gpu.ts";
import { scaledLogits } from "../support/scaled_logits.ts";
import { testIn } from "../support/test_in.ts";
import { tinyModel, tinySet } from "../support/tiny.ts";
import { trained } from "../support/trained.ts";

const SET = tinySet({ train: 24, test: 1 });

/** A trainer at a rate of 0.1, and all that its steps change. */
async function trainerOf(model: Model, options: Partial<TrainerOptions> = {}) {
  const gpu = await testGpu();
  const store = storeImages(gpu, { images: SET.train, set: SET });
  const trainer = new Trainer(model, {
    feed: new ResidentFeed(gpu, store, { batchSize: 4, order: "endless" }),
    objective: transferTerms(),
    teacher: null,
    momentum: 0.9,
    weightDecay: 5e-4,
    nesterov: false,
    ...options,
  });
  trainer.beginEpoch(1, { rate: 0.1 });
  const state = () =>
    gpu.read(trainer.learned.flatMap(({ parameters, velocity }) => [
      ...parameters.specs.map(({ name }) => parameters.get(name)),
      ...velocity.trainable,
    ]));
  return { trainer, state };
}

/** Multiplies some tensors of what is learned, and returns what puts them back. */
async function spoil(
  learned: readonly { readonly parameters: ParameterSet }[],
  spoilt: Readonly<Record<string, number>>,
): Promise<() => void> {
  const mends = await Promise.all(
    Object.entries(spoilt).map(async ([name, factor]) => {
      const found = learned.find(({ parameters }) => parameters.has(name))?.parameters.get(name);
      assert.ok(found !== undefined, name);
      const before = await found.read();
      found.write(before.map((number) => factor * number));
      return () => found.write(before);
    }),
  );
  return () => mends.forEach((mend) => mend());
}

type Fault = readonly [spoilt: Readonly<Record<string, number>>, tensor: string];

/** What makes a number of a step not finite, and the first tensor that then is not, in the order of the places. */
const FAULTS: readonly Fault[] = [
  [{ "fc.weight": NaN }, "loss"],
  [{ "fc.bias": Infinity }, "loss"],
  // The batch's variance normalises, so that neither the loss nor a gradient knows of it.
  [{ "bn.running_var": Infinity }, "bn.running_var"],
  // A loss of about 1e34 is finite, and so are all gradients but conv1's, which is a product with 1e4.
  [{ "bn.weight": 1e4, conv1: 1e-6, "fc.weight": 1e36 }, "conv1"],
];

/** The same where the objective has parameters of its own, a factor on the logits. */
const OWN_FAULTS: readonly Fault[] = [
  ...FAULTS.slice(0, 3),
  // The square of the scaled logits is about 1e34, the factor's gradient 1e42.
  [{ "fc.bias": 1e29, "scaled.factor": 1e-10 }, "scaled.factor"],
];

const OWN = [...transferTerms(), scaledLogits({ weight: 0.1, classes: SET.classes })];

const CASES: readonly (readonly [name: string, Partial<TrainerOptions>, readonly Fault[]])[] = [
  ["a batch a step", {}, FAULTS],
  ["two batches a step", { accumulate: 2 }, FAULTS],
  ["parameters of the objective's own", { objective: OWN }, OWN_FAULTS],
  ["two batches a step and own parameters", { objective: OWN, accumulate: 2 }, OWN_FAULTS],
];

for (const [name, options, faults] of CASES) {
  Deno.test(`Trainer: with skip, a step that is not finite leaves every bit as it was: ${name}`, async () => {
    const gpu = await testGpu();
    const run = async (faults: readonly Fault[]) => {
      using model = tinyModel(gpu);
      const { trainer, state } = await trainerOf(model, { ...options, onNonfinite: "skip" });
      using _ = trainer;
      await trainer.submit(0);
      for (const [spoilt] of faults) {
        const mend = await spoil(trainer.learned, spoilt);
        const before = await state();
        await trainer.submit(1);
        assert.deepEqual(await state(), before, Object.keys(spoilt).join());
        mend();
      }
      await trainer.submit(2);
      return { state: await state(), results: await trainer.take() };
    };
    const [whole, spoilt] = [await run([]), await run(faults)];
    assert.deepEqual(spoilt.state, whole.state);
    const found = spoilt.results.map(({ fault }) => fault);
    assert.deepEqual(found, [undefined, ...faults.map(([, tensor]) => tensor), undefined]);
    assert.ok(spoilt.state.every((values) => values.every(Number.isFinite)));
  });
}

Deno.test("Trainer: unless it skips, nothing changes any more after a step that is not finite", async () => {
  using model = tinyModel(await testGpu());
  const { trainer, state } = await trainerOf(model);
  using _ = trainer;
  await trainer.submit(0);
  const mend = await spoil(trainer.learned, { conv0: Infinity });
  await trainer.submit(1);
  mend();
  const before = await state();
  await trainer.submit(2);
  assert.deepEqual(await state(), before);
  assert.deepEqual((await trainer.take()).map(({ fault }) => fault), [undefined, "loss", "loss"]);
});

testIn(
  "f16",
  "Trainer: in half precision, an overflow is a fault where the scale is 1, and a loss that is not finite at any",
  async () => {
    using model = tinyModel(await testGpu());
    const { trainer } = await trainerOf(model, {
      dtype: "f16",
      lossScale: { initial: 4 },
      onNonfinite: "skip",
    });
    using _ = trainer;
    const mendLoss = await spoil(trainer.learned, { "fc.bias": NaN });
    await trainer.submit(0);
    mendLoss();
    // The gradients of the features are beyond f16, the loss is not beyond float32.
    const mend = await spoil(trainer.learned, { "fc.weight": 1e10 });
    for (const step of [1, 2, 3, 4]) await trainer.submit(step);
    mend();
    await trainer.submit(5);
    const results = await trainer.take();
    assert.deepEqual(
      results.map(({ fault, scaling }) => [scaling?.scale, scaling?.isSkipped, fault]),
      [
        [4, true, "loss"],
        [4, true, undefined],
        [2, true, undefined],
        [1, true, "conv0"],
        [1, true, "conv0"],
        [1, false, undefined],
      ],
    );
  },
);

Deno.test("fit: ends at a step that is not finite with its number and the first tensor", async () => {
  using model = tinyModel(await testGpu());
  await spoil([model], { "fc.bias": -Infinity });
  const start = await model.parameters.save();
  const steps: number[] = [];
  const onSteps = (finished: readonly { step: number }[]) =>
    void steps.push(...finished.map(({ step }) => step));
  await assert.rejects(trained({ start, onSteps }), (error) => {
    assert.ok(error instanceof NonFiniteError);
    assert.deepEqual([error.step, error.tensor], [0, "loss"]);
    assert.match(
      error.message,
      /^Cannot make step 0: its loss, running statistics and gradients must be finite, found loss NaN, of cross_entropy; lower the learning rate, or leave such steps out with --on_nonfinite skip$/,
    );
    return true;
  });
  assert.deepEqual(steps, []);
});
