import assert from "node:assert/strict";
import type { Dispatch } from "../../lib/gpu/kernel.ts";
import type { Model } from "../../lib/models/model.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import type { ImageStore } from "../../lib/ops/images.ts";
import { mean } from "../../lib/ops/sum.ts";
import { storeImages } from "../../lib/train/image_store.ts";
import { ResidentFeed, type ResidentFeedOptions } from "../../lib/train/resident_feed.ts";
import { Trainer, type TrainerOptions } from "../../lib/train/trainer.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { batchOf } from "../support/images.ts";
import { tinyModel, tinySet } from "../support/tiny.ts";

const SET = tinySet({ train: 10, test: 2 });

type FeedOptions = Partial<ResidentFeedOptions> & { store?: ImageStore };

async function trainerOf(
  model: Model,
  { store, ...feed }: FeedOptions = {},
  options: Partial<TrainerOptions> = {},
): Promise<Trainer> {
  const gpu = await testGpu();
  store ??= storeImages(gpu, { images: SET.train, set: SET });
  return new Trainer(model, {
    feed: new ResidentFeed(gpu, store, { batchSize: 4, order: "endless", ...feed }),
    objective: transferTerms(),
    teacher: null,
    momentum: 0.9,
    weightDecay: 0,
    nesterov: false,
    ...options,
  });
}

Deno.test("Trainer: at rate 0, each loss and count is that of the batch, and the weights stay", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  const store = storeImages(gpu, { images: SET.train, set: SET });
  using trainer = await trainerOf(model, { store });
  const before = await gpu.read(model.parameters.trainable);
  trainer.beginEpoch(1, { rate: 0 });
  for (const step of [0, 1, 2]) assert.equal(await trainer.submit(step), 4);
  assert.equal(trainer.pending, 3);
  const found = await trainer.take();
  assert.deepEqual(await gpu.read(model.parameters.trainable), before);
  for (const [step, order] of [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]].entries()) {
    const batch = await batchOf(gpu, store, { batch: 4, order });
    assert.deepEqual(batch.labels, order.map((image) => SET.train.labels[image]));
    const x = gpu.tensor(batch.x, batch.shape);
    const labels = gpu.tensor(batch.labels, [4], { dtype: "u32" });
    const { logits } = model.apply(x, { training: true });
    const loss = await mean(crossEntropy(logits, labels)).read();
    assertClose([found[step]?.loss ?? NaN], loss, { rtol: 1e-5, what: `loss of step ${step}` });
    const values = await logits.read();
    const right = batch.labels.filter((label, at) => {
      const row = values.subarray(at * model.classes, (at + 1) * model.classes);
      return row.every((value) => value <= (row[label] ?? NaN));
    });
    assert.equal(found[step]?.right, right.length);
  }
});

Deno.test("Trainer: one program a batch size, recorded once", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  using trainer = await trainerOf(model, { order: "drawn" });
  assert.equal(trainer.plan, null);
  const plan = await trainer.prepare();
  assert.equal(trainer.plan, plan);
  trainer.beginEpoch(1, { rate: 0.1 });
  const images = [];
  const buffers = [];
  for (let step = 0; step < 6; step++) {
    images.push(await trainer.submit(step));
    buffers.push(gpu.bufferCount);
  }
  assert.deepEqual(images, [4, 4, 2, 4, 4, 2]);
  assert.equal(trainer.plan, plan);
  assert.equal(new Set(buffers.slice(2)).size, 1, `${buffers}`);
  assert.equal((await trainer.take()).length, 6);
});

Deno.test("Trainer: the teacher's pass is over before the student's begins", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  using teacher = tinyModel(gpu, { seed: 1 });
  using trainer = await trainerOf(model, {}, { teacher, objective: transferTerms({ beta: 1 }) });
  const { dispatches } = await trainer.prepare();
  const reads = ({ parameters }: Model, name: string) => ({ read }: Dispatch) =>
    read.some(({ storage }) => storage === parameters.get(name).storage);
  const [end, start] = [
    dispatches.findLastIndex(reads(teacher, "conv1")),
    dispatches.findIndex(reads(model, "conv0")),
  ];
  assert.ok(0 <= end && end < start, `${end}, ${start}`);
});

Deno.test("Trainer: the rate and the momentum drive a step", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  using trainer = await trainerOf(model);
  trainer.beginEpoch(1, { rate: 0.5 });
  const before = await model.parameters.flat.read();
  await trainer.submit(0);
  const [after, velocity] = await gpu.read([model.parameters.flat, trainer.velocity.flat]);
  assert.ok(velocity?.some((value) => value !== 0));
  const wanted = before.map((value, at) => value - 0.5 * (velocity?.[at] ?? NaN));
  assertClose(after ?? [], wanted, { atol: 1e-6, what: "parameters" });
  trainer.resetMomentum();
  assert.ok((await trainer.velocity.flat.read()).every((value) => value === 0));
});

Deno.test("Trainer: a batch that does not fit the adapter is refused with one that does", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  const size = 128;
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const fits = Math.floor(
    Math.min(maxBufferSize, maxStorageBufferBindingSize) / (size * size * 16),
  );
  const images = { count: 1, pixels: new Uint8Array(3 * size * size), labels: new Uint8Array(1) };
  const store = storeImages(gpu, { images, set: { ...SET, size } });
  using trainer = await trainerOf(model, { store, batchSize: fits + 10 });
  trainer.beginEpoch(1, { rate: 0.1 });
  await assert.rejects(trainer.submit(0), {
    name: "RangeError",
    message: new RegExp(
      `^Cannot train tiny with batches of ${fits + 10}: wanted at most ${fits} on this adapter`,
    ),
  });
});
