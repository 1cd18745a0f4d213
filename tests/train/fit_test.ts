import assert from "node:assert/strict";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import { fit, type FitOptions } from "../../lib/train/fit.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { smallGpu, testGpu } from "../support/gpu.ts";
import { tinyModel, tinySet, weightsOf } from "../support/tiny.ts";
import { PER_EPOCH, trained, TWO_EPOCHS } from "../support/trained.ts";

function differ(a: Uint8Array, b: Uint8Array): boolean {
  return a.length !== b.length || a.some((byte, at) => byte !== b[at]);
}

Deno.test("fit: the same seed gives the same bits, another seed, order or augmentation others", async () => {
  const first = await trained({ seed: 4 });
  assertSameBytes((await trained({ seed: 4 })).weights, first.weights, "seed 4 again");
  const others: Partial<FitOptions>[] = [
    { seed: 5 },
    { seed: 4, shuffle: false },
    { seed: 4, augment: { padding: 0, flips: false } },
    { seed: 4, augment: { padding: 4, flips: false } },
    { seed: 4, nesterov: true },
    { seed: 4, weightDecay: 0.1 },
    { seed: 4, momentum: 0.5 },
    { seed: 4, learningRate: 0.05 },
  ];
  for (const options of others) {
    assert.ok(differ((await trained(options)).weights, first.weights), JSON.stringify(options));
  }
});

Deno.test("fit: every step is told once, in order, with its epoch, rate and images", async () => {
  const { steps } = await trained({ dropEpochs: [2], dropRatio: 0.5, learningRate: 0.25 });
  const told = steps.map(({ step, epoch, rate, images }) => [step, epoch, rate, images]);
  assert.deepEqual(told, [
    [0, 1, 0.25, 4],
    [1, 1, 0.25, 4],
    [2, 1, 0.25, 2],
    [3, 2, 0.125, 4],
    [4, 2, 0.125, 4],
    [5, 2, 0.125, 2],
  ]);
  for (const { loss, right, losses, images, seconds } of steps) {
    assert.ok(loss > 0 && Number.isInteger(right) && right >= 0 && right <= images);
    assert.ok(seconds > 0);
    assert.deepEqual(losses, { cross_entropy: [loss], attention: [] });
  }
});

Deno.test("fit: in file order, batches are full and an epoch is as many steps", async () => {
  const { steps, epochs } = await trained({ shuffle: false });
  assert.deepEqual(steps.map(({ images }) => images), [4, 4, 4, 4, 4, 4]);
  assert.deepEqual(epochs.map((epoch) => epoch.steps.length), [3, 3]);
});

Deno.test("fit: an epoch comes with its steps, its evaluation and where the run stands", async () => {
  const { steps, epochs, positions, result, evaluation } = await trained();
  assert.deepEqual(epochs.map(({ epoch, isWhole }) => [epoch, isWhole]), [[1, true], [2, true]]);
  assert.deepEqual(epochs.flatMap((epoch) => epoch.steps), steps);
  assert.deepEqual(positions, [{ step: 3, stepsOfEpoch: [] }, { step: 6, stepsOfEpoch: [] }]);
  assert.deepEqual(epochs.at(-1)?.evaluation, evaluation);
  assert.deepEqual(result, evaluation);
  assert.notDeepEqual(epochs[0]?.evaluation, evaluation);
  assert.ok(epochs.every(({ evaluationSeconds }) => evaluationSeconds > 0));
});

Deno.test("fit: the plan is told once, though a short batch has a program of its own", async () => {
  const plans: number[] = [];
  await trained({ onPlan: ({ dispatches }) => void plans.push(dispatches.length) });
  assert.equal(plans.length, 1);
  assert.ok((plans[0] ?? 0) > 10);
});

Deno.test("fit: maxSteps cuts an epoch short, which is evaluated all the same", async () => {
  const { steps, epochs, positions, result, evaluation } = await trained({ maxSteps: 4 });
  assert.equal(steps.length, 4);
  assert.deepEqual(epochs.map(({ epoch, isWhole }) => [epoch, isWhole]), [[1, true], [2, false]]);
  assert.deepEqual(positions.at(-1), { step: 4, stepsOfEpoch: steps.slice(3) });
  assert.deepEqual(result, evaluation);
  const atEnd = await trained({ maxSteps: PER_EPOCH });
  assert.deepEqual(atEnd.epochs.map(({ isWhole }) => isWhole), [true]);
});

Deno.test("fit: with a teacher, each step has the loss of each group, and the teacher stays", async () => {
  const gpu = await testGpu();
  using teacher = tinyModel(gpu, { seed: 8, channels: 6 });
  const before = await weightsOf(teacher);
  const { steps, result } = await trained({ teacher, objective: transferTerms({ beta: 100 }) });
  assertSameBytes(await weightsOf(teacher), before, "teacher");
  for (const { losses: { attention = [] } } of steps) {
    assert.equal(attention.length, 2);
    assert.ok(attention.every((loss) => loss > 0 && loss < 1));
  }
  assert.ok(result !== null && result.totalLoss > result.loss);
});

Deno.test("fit: learns to tell the tints apart", async () => {
  const data = tinySet({ train: 64, test: 32 });
  const { steps, result } = await trained({ data, epochs: 5, batchSize: 8, learningRate: 0.03 });
  const first = steps.slice(0, 8).reduce((sum, { loss }) => sum + loss, 0) / 8;
  const last = steps.slice(-8).reduce((sum, { loss }) => sum + loss, 0) / 8;
  assert.ok(last < first / 2, `${first} to ${last}`);
  assert.ok(result !== null && result.accuracy > 70, `${result?.accuracy}`);
});

Deno.test("fit: frees what it made", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  await fit(model, TWO_EPOCHS);
  const before = gpu.bufferCount;
  await fit(model, TWO_EPOCHS);
  assert.equal(gpu.bufferCount, before);
});

Deno.test("fit: an error of a listener that comes after the next steps is not lost", async () => {
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const { submit } = Trainer.prototype;
  // Steps that wait for their images, so that the results of those before are there first.
  using _submit = {
    [Symbol.dispose]: () => void (Trainer.prototype.submit = submit),
  };
  Trainer.prototype.submit = async function (step) {
    await pause(20);
    return await submit.call(this, step);
  };
  let calls = 0;
  const late = trained({
    data: tinySet({ train: 48, test: 1 }),
    epochs: 1,
    logEvery: 2,
    onSteps: async () => {
      if (calls++ !== 2) return;
      await pause(60);
      throw new Error("the disk is full");
    },
  });
  await assert.rejects(late, { message: "the disk is full" });
});

Deno.test("fit: a batch for which there is no memory is refused with one that trains", async () => {
  for (const bytes of [1e6, 1.5e6]) {
    using gpu = await smallGpu(bytes);
    using model = tinyModel(gpu);
    const data = tinySet({ train: 512, test: 512 });
    const train = (batchSize: number) =>
      fit(model, { data, batchSize, epochs: 1, learningRate: 0.1, autotune: "off", maxSteps: 1 });
    const refusal: unknown = await train(512).then(() => "trained", (error) => error.message);
    const wanted =
      /^Cannot (?:train|evaluate) tiny with batches of \d+: wanted fewer, such as (\d+), for this GPU's memory \(Cannot make (?:train|evaluate) tiny: wanted [\d.]+ MB of GPU memory beside the [\d.]+ MB that other tensors take, found [\d.]+ MB left\)$/;
    assert.match(`${refusal}`, wanted);
    const fits = Number(wanted.exec(`${refusal}`)?.at(1));
    assert.ok(fits > 0, `${refusal}`);
    await train(fits);
  }
});
