import assert from "node:assert/strict";
import { Program } from "../../lib/gpu/program.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { scale } from "../../lib/ops/scale.ts";
import { LossScale } from "../../lib/optim/loss_scale.ts";
import { sgd } from "../../lib/optim/sgd.ts";
import { assertClose } from "../support/assert_close.ts";
import { flatOf, rateOf } from "../support/flat.ts";
import { testGpu } from "../support/gpu.ts";
import { readChecked } from "../support/stored.ts";

/** Inspects tensors as one step does, and tells the scale that it had, below zero where it is skipped. */
async function stepOf(lossScale: LossScale, gradients: readonly Tensor[]): Promise<number> {
  for (const gradient of gradients) lossScale.inspect(gradient);
  const [outcome] = await readChecked([lossScale.update()]);
  return outcome?.[0] ?? NaN;
}

Deno.test("LossScale: an overflow skips the step and halves the scale, good steps double it", async () => {
  const gpu = await testGpu();
  using lossScale = new LossScale(gpu, { initial: 64, interval: 3 });
  const good = gpu.tensor([1, -2, 3e38], [3]);
  const bad = gpu.tensor([0, -Infinity], [2]);
  const found = [];
  for (const gradient of [good, bad, bad, good, good, bad, good, good, good, good]) {
    found.push(await stepOf(lossScale, [gradient]));
  }
  assert.deepEqual(found, [64, -64, -32, 16, 16, -16, 8, 8, 8, 16]);
  assert.deepEqual(await lossScale.read(), { scale: 16, good: 1, skipped: 3 });
});

Deno.test("LossScale: finds one number of any kind that is not finite, anywhere", async () => {
  const gpu = await testGpu();
  const size = 70_001;
  for (const value of [NaN, -NaN, Infinity, -Infinity]) {
    for (const place of [0, 255, size - 1]) {
      using lossScale = new LossScale(gpu, { initial: 2 });
      const values = new Float32Array(size).fill(-3.4e38);
      values[place] = value;
      const gradients = [gpu.tensor([1], [1]), gpu.tensor(values, [size]), gpu.tensor([1], [1])];
      assert.equal(await stepOf(lossScale, gradients), -2, `${value} at ${place}`);
    }
  }
});

Deno.test("LossScale: stays between 1 and 2^100, and an overflow at 1 is left for the inspection to settle", async () => {
  const gpu = await testGpu();
  using lossScale = new LossScale(gpu, { initial: 1.5, interval: 1 });
  const [bad, good] = [gpu.tensor([NaN], [1]), gpu.tensor([1], [1])];
  const faultOf = async (gradient: Tensor) => [
    await stepOf(lossScale, [gradient]),
    ...await lossScale.inspection.settle().read(),
  ];
  const { firstGradient } = lossScale.inspection;
  assert.deepEqual(await faultOf(bad), [-1.5, 0]);
  assert.deepEqual(await faultOf(bad), [-1, 1 + firstGradient]);
  assert.deepEqual(await faultOf(bad), [-1, 1 + firstGradient]);
  assert.deepEqual(await lossScale.read(), { scale: 1, good: 0, skipped: 3 });
  lossScale.write({ scale: 2 ** 99, good: 0, skipped: 3 });
  for (let time = 0; time < 3; time++) await stepOf(lossScale, [good]);
  assert.deepEqual(await lossScale.read(), { scale: 2 ** 100, good: 0, skipped: 3 });
});

Deno.test("LossScale: a loss that is not finite skips the step, is a fault and leaves the scale", async () => {
  const gpu = await testGpu();
  using lossScale = new LossScale(gpu, { initial: 64, interval: 3 });
  assert.equal(await stepOf(lossScale, [gpu.tensor([1], [1])]), 64);
  lossScale.inspection.inspect({
    loss: gpu.tensor([Infinity], []),
    gradients: [gpu.tensor([NaN], [1])],
  });
  const [outcome, fault] = await readChecked([lossScale.update(), lossScale.inspection.settle()]);
  assert.deepEqual([outcome?.[0], fault?.[0]], [-64, 1]);
  assert.deepEqual(await lossScale.read(), { scale: 64, good: 1, skipped: 1 });
});

Deno.test("LossScale: refuses a scale below 1", async () => {
  const gpu = await testGpu();
  for (const initial of [0, 0.99, NaN, Infinity]) {
    assert.throws(() => new LossScale(gpu, { initial }), {
      name: "RangeError",
      message: `Cannot scale the loss: wanted a number of at least 1, found ${initial}`,
    });
  }
  assert.throws(() => new LossScale(gpu, { interval: 0.5 }), {
    message: "Cannot use the interval of a loss scale: wanted an integer of at least 1, found 0.5",
  });
});

for (const inProgram of [true, false]) {
  Deno.test(`sgd: unscales, and an overflow leaves everything as it is, ${inProgram ? "in a program" : "op by op"}`, async () => {
    const gpu = await testGpu();
    using lossScale = new LossScale(gpu, { initial: 8, interval: 1 });
    const shapes = [[3], [5]];
    const [parameters, velocity] = [flatOf(gpu, shapes), flatOf(gpu, shapes)];
    const sources = shapes.map(([size = 0]) => gpu.tensor(new Float32Array(size).fill(4), [size]));
    const options = { velocity, learningRate: rateOf(gpu, 0.5), lossScale };
    const step = () => {
      const gradients = sources.map((source) => scale(source, 2));
      sgd(parameters, gradients, { ...options, momentum: 0.5, weightDecay: 0 });
      return lossScale.update();
    };
    using program = inProgram ? await Program.record(gpu, { label: "scaled", build: step }) : null;
    const run = () => program === null ? step() : program.run();
    const expect = async (p: number, v: number) => {
      const all = [...parameters.trainable, ...velocity.trainable];
      const found = await readChecked(all);
      for (const [at, values] of found.entries()) {
        assertClose(values, values.map(() => at < 2 ? p : v), { atol: 1e-6, what: `tensor ${at}` });
      }
    };
    run();
    await expect(-0.5, 1);
    sources[1]?.write(Float32Array.of(4, 4, 4, 4, NaN));
    run();
    await expect(-0.5, 1);
    assert.deepEqual(await lossScale.read(), { scale: 8, good: 0, skipped: 1 });
    sources[1]?.write(new Float32Array(5).fill(4));
    run();
    await expect(-1.25, 1.5);
  });
}
