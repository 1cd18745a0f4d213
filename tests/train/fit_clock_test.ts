import assert from "node:assert/strict";
import type { FinishedStep, Position } from "../../lib/train/fit.ts";
import { fit } from "../../lib/train/fit.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { testGpu } from "../support/gpu.ts";
import { linearModel, tinyModel, tinySet } from "../support/tiny.ts";

Deno.test("fit: evaluation, saving and what listeners do are no part of a step's time", async () => {
  using model = tinyModel(await testGpu());
  using clock = new FakeClock();
  const steps: FinishedStep[] = [];
  await fit(model, {
    data: tinySet({ train: 12, test: 4 }),
    epochs: 2,
    batchSize: 4,
    onSteps: (finished) => {
      steps.push(...finished);
      clock.advance({ seconds: 100 });
    },
    onEpoch: ({ evaluationSeconds }) => {
      assert.equal(evaluationSeconds, 0);
      clock.advance({ seconds: 200 });
    },
  });
  assert.deepEqual(steps.map(({ seconds }) => seconds), [0, 0, 0, 0, 0, 0]);
});

Deno.test("fit: every ten minutes is a good time to save, and no step loses its epoch and rate", async () => {
  using model = tinyModel(await testGpu());
  using clock = new FakeClock();
  const steps: FinishedStep[] = [];
  const paused: Position[] = [];
  await fit(model, {
    data: tinySet({ train: 16, test: 4 }),
    epochs: 2,
    batchSize: 4,
    learningRate: 0.25,
    onSteps: (finished) => void steps.push(...finished),
    onEpoch: ({ epoch }) => {
      if (epoch === 1) clock.advance({ seconds: 601 });
    },
    onPause: (position) => void paused.push(position),
  });
  const told = steps.map(({ step, epoch, rate }) => [step, epoch, rate]);
  assert.deepEqual(told, [0, 1, 2, 3, 4, 5, 6, 7].map((step) => [step, step < 4 ? 1 : 2, 0.25]));
  assert.deepEqual(paused, [{ step: 5, stepsOfEpoch: steps.slice(4, 5) }]);
});

Deno.test("fit: more steps in flight than the GPU keeps the losses of", async () => {
  using model = linearModel(await testGpu());
  using _clock = new FakeClock();
  const looks: number[] = [];
  const losses: number[] = [];
  await fit(model, {
    data: tinySet({ train: 1100, test: 1 }),
    epochs: 2,
    batchSize: 1,
    maxSteps: 2125,
    logEvery: 5000,
    onSteps: (finished) => {
      looks.push(finished.length);
      losses.push(...finished.map(({ loss }) => loss));
    },
  });
  assert.equal(losses.length, 2125);
  assert.ok(losses.every((loss) => Number.isFinite(loss)));
  assert.equal(Math.max(...looks), 1024);
});
