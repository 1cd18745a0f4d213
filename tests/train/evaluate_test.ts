import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { Objective } from "../../lib/losses/objective.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import type { Model } from "../../lib/models/model.ts";
import type { ImageStore } from "../../lib/ops/images.ts";
import { withoutGradients } from "../../lib/tape.ts";
import { evaluate, Evaluator } from "../../lib/train/evaluate.ts";
import type { Images } from "../../lib/train/image_set.ts";
import { freeImages, storeImages } from "../../lib/train/image_store.ts";
import { ResidentFeed } from "../../lib/train/resident_feed.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { batchOf } from "../support/images.ts";
import { logSoftmax } from "../support/reference/softmax.ts";
import { tinyModel, tinySet } from "../support/tiny.ts";

const SET = tinySet({ train: 4, test: 10 });

function feedOf(gpu: Gpu, store: ImageStore): ResidentFeed {
  return new ResidentFeed(gpu, store, { batchSize: 4, order: "file" });
}

/** Loss and accuracy from the logits of all images at once, with statistics as they stand. */
async function byHand(model: Model, { images, batchSize }: { images: Images; batchSize: number }) {
  const { gpu } = model.parameters;
  const store = storeImages(gpu, { images, set: SET });
  const { x, shape } = await batchOf(gpu, store, { batch: images.count });
  const { logits } = withoutGradients(() => model.apply(gpu.tensor(x, shape), { training: false }));
  const values = Float64Array.from(await logits.read());
  const logs = logSoftmax(values, { classes: model.classes });
  const losses: number[] = [];
  let right = 0;
  images.labels.forEach((label, image) => {
    const row = logs.subarray(image * model.classes, (image + 1) * model.classes);
    losses.push(-(row[label] ?? NaN));
    if (row.every((value) => value <= (row[label] ?? NaN))) right++;
  });
  const means: number[] = [];
  for (let first = 0; first < losses.length; first += batchSize) {
    const batch = losses.slice(first, first + batchSize);
    means.push(batch.reduce((a, b) => a + b) / batch.length);
  }
  freeImages(store);
  return {
    loss: means.reduce((a, b) => a + b) / means.length,
    accuracy: 100 * right / images.count,
  };
}

for (const batchSize of [4, 10, 16]) {
  Deno.test(`evaluate: batches of ${batchSize} of ten images give what is computed by hand`, async () => {
    using model = tinyModel(await testGpu(), { seed: 2 });
    const found = await evaluate(model, { data: SET, batchSize });
    const wanted = await byHand(model, { images: SET.test, batchSize });
    assertClose([found.loss, found.totalLoss], [wanted.loss, wanted.loss], { rtol: 1e-5 });
    assert.equal(found.accuracy, wanted.accuracy);
    assert.ok(found.accuracy > 0 && found.accuracy < 100);
  });
}

Deno.test("Evaluator: more batches than are in flight at once", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu, { seed: 2 });
  const { test } = tinySet({ train: 4, test: 70 });
  const store = storeImages(gpu, { images: test, set: SET });
  using evaluator = new Evaluator(model, {
    feed: new ResidentFeed(gpu, store, { batchSize: 1, order: "file" }),
  });
  const wanted = await byHand(model, { images: test, batchSize: 1 });
  for (const time of [1, 2]) {
    const { loss, accuracy } = await evaluator.run();
    assertClose([loss, accuracy], [wanted.loss, wanted.accuracy], { rtol: 1e-5, what: `${time}` });
  }
  freeImages(store);
});

Deno.test("Evaluator: sees the network as it is now, and changes nothing of it", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  const store = storeImages(gpu, { images: SET.test, set: SET });
  using evaluator = new Evaluator(model, { feed: feedOf(gpu, store) });
  const before = await evaluator.run();
  assert.deepEqual(await evaluator.run(), before);
  using other = tinyModel(gpu, { seed: 5 });
  model.parameters.load(await other.parameters.save(), { from: "another" });
  assert.notEqual((await evaluator.run()).loss, before.loss);
  assert.deepEqual(await model.parameters.save(), await other.parameters.save());
  freeImages(store);
});

Deno.test("Evaluator: the total counts the transfer, the loss does not", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  using teacher = tinyModel(gpu, { seed: 9 });
  const store = storeImages(gpu, { images: SET.test, set: SET });
  const evaluated = async (taught: Model | null, beta: number) => {
    using objective = new Objective(gpu, transferTerms({ beta }));
    const feed = feedOf(gpu, store);
    using evaluator = new Evaluator(model, { feed, teacher: taught, objective });
    return await evaluator.run();
  };
  const alone = await evaluated(null, 0);
  const [once, twice] = [await evaluated(teacher, 100), await evaluated(teacher, 200)];
  assert.equal(alone.totalLoss, alone.loss);
  assertClose([once.loss, twice.loss], [alone.loss, alone.loss], { rtol: 1e-6 });
  assert.ok(once.totalLoss > once.loss);
  assertClose([twice.totalLoss - twice.loss], [2 * (once.totalLoss - once.loss)], { rtol: 1e-4 });
  freeImages(store);
});
