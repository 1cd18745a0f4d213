import assert from "node:assert/strict";
import { fit, type Position } from "../../lib/train/fit.ts";
import type { Trainer } from "../../lib/train/trainer.ts";
import type { NamedTensors } from "../../lib/weights/parameter_set.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { testGpu } from "../support/gpu.ts";
import { tinyModel } from "../support/tiny.ts";
import { PER_EPOCH, trained, TWO_EPOCHS } from "../support/trained.ts";

Deno.test("fit: a drop of the learning rate zeroes the momentum", async () => {
  using model = tinyModel(await testGpu());
  await fit(model, { ...TWO_EPOCHS, epochs: 1 });
  const start = await model.parameters.save();
  const dropped = await trained({ dropEpochs: [2], dropRatio: 1 });
  const fresh = await trained({
    start,
    resume: { position: { step: PER_EPOCH, stepsOfEpoch: [] }, restore: () => {} },
  });
  assertSameBytes(dropped.weights, fresh.weights, "with momentum zeroed");
  const kept = await trained();
  assert.throws(() => assertSameBytes(kept.weights, fresh.weights, "with momentum kept"));
});

Deno.test("fit: the momentum is kept where the run resumes within the epoch of a drop", async () => {
  const dropping = { dropEpochs: [2], dropRatio: 0.5 };
  using _clock = new FakeClock({ tick: 1 });
  using model = tinyModel(await testGpu());
  const controller = new AbortController();
  const trainers: Trainer[] = [];
  const saved: { start: NamedTensors; momentum: NamedTensors; position: Position }[] = [];
  await fit(model, {
    ...TWO_EPOCHS,
    ...dropping,
    signal: controller.signal,
    onStart: (trainer) => void trainers.push(trainer),
    onSteps: (steps) => {
      if (steps.some(({ step }) => step >= PER_EPOCH)) controller.abort();
    },
    onPause: async (position) => {
      for (const { velocity } of trainers) {
        const start = await model.parameters.save();
        saved.push({ start, momentum: await velocity.save(), position });
      }
    },
  });
  const whole = await trained(dropping);
  assert.equal(saved.length, 1);
  for (const { start, momentum, position } of saved) {
    assert.equal(position.step, PER_EPOCH + 1);
    const restore = ({ velocity }: Trainer) => velocity.load(momentum, { from: "saved" });
    const resumed = await trained({ ...dropping, start, resume: { position, restore } });
    assertSameBytes(resumed.weights, whole.weights, "resumed");
  }
});

Deno.test("fit: a signal ends it after the step under way, without an evaluation", async () => {
  const controller = new AbortController();
  const paused: Position[] = [];
  const { steps, epochs, result } = await trained({
    signal: controller.signal,
    onSteps: () => controller.abort(),
    onPause: (position) => void paused.push(position),
  });
  assert.equal(steps.length, 1);
  assert.deepEqual([epochs, result], [[], null]);
  assert.deepEqual(paused, [{ step: 1, stepsOfEpoch: steps }]);
});

Deno.test("fit: a signal at the last step of an epoch lets it be evaluated", async () => {
  const controller = new AbortController();
  const { steps, epochs, result } = await trained({
    signal: controller.signal,
    onSteps: (finished) => {
      if (finished.some(({ step }) => step === PER_EPOCH - 1)) controller.abort();
    },
  });
  assert.deepEqual([steps.length, epochs.length, result], [PER_EPOCH, 1, null]);
});

Deno.test("fit: a signal before the first step saves, and trains nothing", async () => {
  const paused: Position[] = [];
  const { steps, result } = await trained({
    signal: AbortSignal.abort(),
    onPause: (position) => void paused.push(position),
  });
  assert.deepEqual([steps, result, paused], [[], null, [{ step: 0, stepsOfEpoch: [] }]]);
});

Deno.test("fit: where all steps were made before, nothing is left to do", async () => {
  const resume = { position: { step: 2 * PER_EPOCH, stepsOfEpoch: [] }, restore: () => {} };
  const { steps, epochs, result } = await trained({ resume });
  assert.deepEqual([steps, epochs, result], [[], [], null]);
});

Deno.test("fit: an epoch that was interrupted at what is now the bound is evaluated", async () => {
  const { steps } = await trained({ maxSteps: 4 });
  const position = { step: 4, stepsOfEpoch: steps.slice(3) };
  const resumed = await trained({ maxSteps: 4, resume: { position, restore: () => {} } });
  assert.deepEqual(resumed.steps, []);
  assert.deepEqual(resumed.epochs.map((epoch) => [epoch.epoch, epoch.isWhole, epoch.steps]), [
    [2, false, steps.slice(3)],
  ]);
  assert.deepEqual(resumed.result, resumed.evaluation);
});
