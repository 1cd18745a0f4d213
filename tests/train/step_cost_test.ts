import assert from "node:assert/strict";
import { profileStep } from "../../lib/train/profile_step.ts";
import { stepCost } from "../../lib/train/step_cost.ts";
import { testGpu } from "../support/gpu.ts";
import { tinyModel, tinySet } from "../support/tiny.ts";

const DATA = tinySet({ train: 8, test: 6 });

Deno.test("stepCost: FLOP and times are those of an image, and a teacher costs", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  using teacher = tinyModel(gpu, { seed: 1 });
  const options = { data: DATA, batchSize: 4, autotune: "off" } as const;
  const alone = await stepCost(model, options);
  const { kernels, images } = await profileStep(model, options);
  assert.equal(alone.flop, kernels.reduce((sum, { flop }) => sum + flop, 0) / images);
  const whole = await stepCost(model, { ...options, batchSize: 8 });
  assert.ok(Math.abs(whole.flop / alone.flop - 1) < 0.2);
  assert.ok((await stepCost(model, { ...options, teacher })).flop > alone.flop);
  for (const seconds of [alone.trainSeconds, alone.testSeconds]) {
    assert.ok(seconds > 0 && seconds < 10, String(seconds));
  }
});

Deno.test("stepCost: a set of fewer images than a step is refused", async () => {
  using model = tinyModel(await testGpu());
  await assert.rejects(
    stepCost(model, { data: DATA, batchSize: 9 }),
    /Cannot profile a step of 9 images: the training set must have as many, found 8$/,
  );
});
