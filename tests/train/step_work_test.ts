import assert from "node:assert/strict";
import { profileStep } from "../../lib/train/profile_step.ts";
import { stepWork } from "../../lib/train/step_work.ts";
import { testGpu } from "../support/gpu.ts";
import { tinyModel, tinySet } from "../support/tiny.ts";

const DATA = tinySet({ train: 8, test: 6 });

function flopOf(dispatches: readonly { flop: number }[]): number {
  return dispatches.reduce((sum, { flop }) => sum + flop, 0);
}

Deno.test("stepWork: a step's dispatches are those that a step runs, a test's are fewer, and a teacher costs", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  using teacher = tinyModel(gpu, { seed: 1 });
  const options = { data: DATA, batchSize: 4, autotune: "off" } as const;
  const alone = await stepWork(model, options);
  assert.equal(alone.images, 4);
  const { plan } = await profileStep(model, options);
  assert.deepEqual(
    alone.train.map(({ label }) => label),
    plan.dispatches.map(({ label }) => label),
  );
  assert.ok(flopOf(alone.test) > 0 && flopOf(alone.test) < flopOf(alone.train) / 2);
  const taught = await stepWork(model, { ...options, teacher });
  assert.ok(flopOf(taught.train) > flopOf(alone.train));
});

Deno.test("stepWork: a set of fewer images than a step is refused", async () => {
  using model = tinyModel(await testGpu());
  await assert.rejects(
    stepWork(model, { data: DATA, batchSize: 9 }),
    /Cannot profile a step of 9 images: the training set must have as many, found 8$/,
  );
});
