import assert from "node:assert/strict";
import { Gpu } from "../../lib/gpu/device.ts";
import { readsTexels } from "../../lib/gpu/reads_texels.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import { type FinishedStep, fit, type FitOptions } from "../../lib/train/fit.ts";
import { CallCounter } from "../support/call_counter.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { testGpu } from "../support/gpu.ts";
import { testIn } from "../support/test_in.ts";
import { tinyModel, tinySet } from "../support/tiny.ts";

const MAKERS = [
  "createBindGroup",
  "createBindGroupLayout",
  "createBuffer",
  "createComputePipeline",
  "createComputePipelineAsync",
  "createPipelineLayout",
  "createQuerySet",
  "createShaderModule",
] as const;

/** The steps that each log line of {@link train} is of: those up to every third, and up to the end of an epoch. */
const LINES = [3, 3, 1, 2, 3, 2];

/** Trains two epochs of seven steps with attention transfer and a log line every three steps. */
async function train(listener: Partial<FitOptions>): Promise<void> {
  using gpu = await Gpu.open();
  using model = tinyModel(gpu);
  using teacher = tinyModel(gpu, { seed: 1, channels: 8 });
  await fit(model, {
    data: tinySet({ train: 28, test: 8 }),
    teacher,
    objective: transferTerms({ alpha: 0.5, beta: 10 }),
    epochs: 2,
    batchSize: 4,
    logEvery: 3,
    autotune: "off",
    ...listener,
  });
}

async function assertNothingIsMade(options: Partial<FitOptions>): Promise<void> {
  using made = new CallCounter(GPUDevice.prototype, MAKERS);
  const seen: Record<string, number>[] = [];
  await train({
    ...options,
    onPlan: () => {
      assert.ok((made.counts["createBindGroup"] ?? 0) > 10);
      made.reset();
    },
    onSteps: () => void seen.push({ ...made.counts }),
    onEpoch: () => {
      assert.ok(seen.length % 3 === 0);
      made.reset();
    },
  });
  assert.deepEqual(seen, Array.from({ length: 6 }, () => ({})));
}

Deno.test("fit: nothing is made on the device after the first step, but for the first evaluation", async () => {
  await assertNothingIsMade({});
});

testIn("f16", "fit: nor with half precision and its loss scale", async () => {
  await assertNothingIsMade({ dtype: "f16" });
});

Deno.test("fit: one submit a step, and no readback between log lines", async () => {
  using _clock = new FakeClock({ tick: 1 });
  using submits = new CallCounter(GPUQueue.prototype, ["submit"]);
  using readbacks = new CallCounter(GPUBuffer.prototype, ["mapAsync"]);
  using passes = new CallCounter(GPUCommandEncoder.prototype, ["beginComputePass"]);
  const log: { steps: number; readbacks: number; submits: number; passes: number }[] = [];
  const reset = () => [submits, readbacks, passes].forEach((counter) => counter.reset());
  await train({
    onStart: reset,
    onSteps: (steps) => {
      log.push({
        steps: steps.length,
        readbacks: readbacks.counts["mapAsync"] ?? 0,
        submits: submits.counts["submit"] ?? 0,
        passes: passes.counts["beginComputePass"] ?? 0,
      });
      reset();
    },
    onEpoch: reset,
  });
  // What is read through textures is copied there between the passes of a step.
  const isOnePass = !await readsTexels(await testGpu());
  for (const { steps, passes } of log) assert.ok(isOnePass ? passes === steps : passes > steps);
  // The submit beyond those of the steps copies the losses.
  const wanted = LINES.map((steps) => ({ steps, readbacks: 1, submits: steps + 1 }));
  assert.deepEqual(log.map(({ passes: _, ...counts }) => counts), wanted);
});

Deno.test("fit: steps that take long are waited for one by one, and told of without a readback", async () => {
  using _clock = new FakeClock({ tick: 1 });
  const told: number[] = [];
  const lines: FinishedStep[][] = [];
  await train({
    onProgress: ({ last, steps, images, seconds }) => {
      assert.deepEqual([steps, images], [1, 4]);
      assert.ok(seconds >= 1);
      told.push(last.step);
    },
    onSteps: (steps) => void lines.push([...steps]),
  });
  assert.deepEqual(told, Array.from({ length: 14 }, (_, step) => step));
  assert.deepEqual(lines.map((steps) => steps.length), LINES);
});

Deno.test("fit: the seconds of all steps are the time that has passed, whatever overlapped", async () => {
  using clock = new FakeClock();
  let passed = 0;
  let counted = 0;
  let landed = 0;
  await train({
    onPlan: () => clock.advance({ seconds: 5 }),
    onProgress: ({ seconds }) => landed += seconds,
    onSteps: (steps) => {
      counted += steps.reduce((sum, { seconds }) => sum + seconds, 0);
    },
    onEpoch: () => {
      passed += 1;
      clock.advance({ seconds: 100 });
    },
  });
  assert.equal(passed, 2);
  assert.deepEqual([counted, landed], [5, 5]);
});
