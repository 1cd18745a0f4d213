import assert from "node:assert/strict";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import { fit, type FitOptions } from "../../lib/train/fit.ts";
import type { ImageSet, StreamedSet } from "../../lib/train/image_set.ts";
import { StreamedFeed } from "../../lib/train/streamed_feed.ts";
import { ArraySource } from "../support/array_source.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { CallCounter } from "../support/call_counter.ts";
import { testGpu } from "../support/gpu.ts";
import { tinyModel, tinySet, weightsOf } from "../support/tiny.ts";

const SEED = 5;

function streamed(set: ImageSet, batchSize: number) {
  const source = (split: "train" | "test") =>
    new ArraySource(set, { batchSize, split, seed: SEED });
  const sources = { train: source("train"), test: source("test") };
  return { name: "streamed", classes: set.classes, sources };
}

async function bitsOf(data: ImageSet | StreamedSet, options: Partial<FitOptions> = {}) {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  using teacher = tinyModel(gpu, { seed: 1, channels: 8 });
  const losses: number[] = [];
  const evaluation = await fit(model, {
    data,
    teacher,
    objective: transferTerms({ beta: 10 }),
    epochs: 2,
    batchSize: 4,
    seed: SEED,
    augment: { padding: 0, flips: false },
    topFive: true,
    onSteps: (steps) => void losses.push(...steps.map(({ loss }) => loss)),
    ...options,
  });
  return { bits: await weightsOf(model), losses, evaluation };
}

Deno.test("fit: a streamed set trains bit for bit as the same set on the GPU, short batches included", async () => {
  const set = tinySet({ train: 14, test: 10 });
  const data = streamed(set, 4);
  const resident = await bitsOf(set);
  const found = await bitsOf(data);
  assert.deepEqual(found.losses, resident.losses);
  assert.deepEqual(found.evaluation, resident.evaluation);
  assert.ok((found.evaluation?.topFive ?? 0) === 100 && (found.evaluation?.accuracy ?? 100) < 100);
  assertSameBytes(found.bits, resident.bits, "weights");
  assert.deepEqual(data.sources.train.taken, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(data.sources.test.taken, [0, 1, 2, 0, 1, 2]);
  assert.equal(data.sources.train.held + data.sources.test.held, 0);
});

Deno.test("fit: a streamed set makes nothing on the device after the first step, but for the first evaluation", async () => {
  using made = new CallCounter(GPUDevice.prototype, ["createBuffer", "createBindGroup"]);
  const counts: Record<string, number>[] = [];
  await bitsOf(streamed(tinySet({ train: 16, test: 8 }), 4), {
    onPlan: () => made.reset(),
    onSteps: () => void counts.push({ ...made.counts }),
    onEpoch: () => made.reset(),
  });
  assert.deepEqual(counts, [{}, {}]);
});

Deno.test("fit: tells how long it waited for images", async () => {
  const data = streamed(tinySet({ train: 16, test: 8 }), 4);
  const { train } = data.sources;
  const waits: number[] = [];
  const take = train.take.bind(train);
  train.take = (step) => {
    train.waitedSeconds += 0.25;
    return take(step);
  };
  await bitsOf(data, { onProgress: ({ waitedSeconds = NaN }) => void waits.push(waitedSeconds) });
  assert.equal(waits.reduce((a, b) => a + b), 2);
});

Deno.test("StreamedFeed: two batches may be on their way, of small ones what 64 MiB hold", async () => {
  const gpu = await testGpu();
  for (const [size, wanted] of [[8, 87381], [1500, 2]] as const) {
    const set = { ...tinySet({ train: 4, test: 4 }), size };
    using feed = new StreamedFeed(
      gpu,
      new ArraySource(set, { batchSize: 4, split: "train", seed: 0 }),
    );
    assert.equal(feed.mostInFlight, wanted);
  }
});

Deno.test("fit: a source of other batches is refused", async () => {
  const set = tinySet({ train: 8, test: 4 });
  await assert.rejects(bitsOf(streamed(set, 3)), {
    name: "RangeError",
    message:
      "Cannot train on streamed with batches of 4: wanted a source of such batches, found one of 3",
  });
});
