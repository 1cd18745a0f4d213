import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { isInPlace, nameOf } from "../../lib/gpu/kernel.ts";
import { Program } from "../../lib/gpu/program.ts";
import { gradients } from "../../lib/gradients.ts";
import { add } from "../../lib/ops/add.ts";
import { batchNorm } from "../../lib/ops/batch_norm.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { relu } from "../../lib/ops/relu.ts";
import { scale } from "../../lib/ops/scale.ts";
import { sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { cardGpu, testGpu } from "../support/gpu.ts";
import { mergedPlan } from "../support/merged_plan.ts";
import { uniform } from "../support/operand.ts";
import { randomValues } from "../support/random.ts";
import { normalise, statisticsOf } from "../support/reference/batch_norm.ts";
import { assertSameValues } from "../support/same_values.ts";
import { readChecked } from "../support/stored.ts";
import { testIn } from "../support/test_in.ts";

type Shape = readonly [number, number, number, number];

function operands(shape: Shape, { from = -1, to = 1 } = {}) {
  return {
    x: uniform(shape, { from, to }),
    weight: uniform([shape[3]], { seed: 2, from: 0.5, to: 1.5 }),
    bias: uniform([shape[3]], { seed: 3 }),
  };
}

function runningOf(gpu: Gpu, channels: number) {
  const mean = randomValues(channels, { seed: 4 });
  const variance = randomValues(channels, { seed: 5, from: 0.5, to: 2 });
  return {
    values: { mean: Float64Array.from(mean), variance: Float64Array.from(variance) },
    runningMean: gpu.tensor(mean, [channels], { label: "running mean" }),
    runningVariance: gpu.tensor(variance, [channels], { label: "running variance" }),
  };
}

Deno.test("batchNorm: training, with second derivatives", async () => {
  const gpu = await testGpu();
  const shape: Shape = [2, 3, 5, 5];
  await checkOp((p) => batchNorm(p.x, { ...p, ...runningOf(gpu, 5), training: true }), {
    inputs: operands(shape),
    shape,
    reference: normalise,
    tolerance: 1e-4,
  });
});

Deno.test("batchNorm: evaluation, with second derivatives", async () => {
  const gpu = await testGpu();
  const shape: Shape = [2, 3, 5, 5];
  const { values: statistics, ...running } = runningOf(gpu, 5);
  await checkOp((p) => batchNorm(p.x, { ...p, ...running, training: false, epsilon: 0.01 }), {
    inputs: operands(shape),
    shape,
    reference: (p) => normalise(p, { statistics, epsilon: 0.01 }),
  });
  assertClose(await running.runningMean.read(), statistics.mean, { what: "running mean" });
  assertClose(await running.runningVariance.read(), statistics.variance, {
    what: "running variance",
  });
});

const LARGE: Readonly<Record<string, { shape: Shape; training: boolean }>> = {
  "41 channels, one image": { shape: [1, 9, 9, 41], training: true },
  "more rows than a workgroup adds at once": { shape: [1, 65, 65, 1], training: true },
  "24 channels in evaluation": { shape: [2, 9, 9, 24], training: false },
};

for (const [name, { shape, training }] of Object.entries(LARGE)) {
  Deno.test(`batchNorm: ${name}`, async () => {
    const gpu = await testGpu();
    const { values: statistics, ...running } = runningOf(gpu, shape[3]);
    await checkOp((p) => batchNorm(p.x, { ...p, ...running, training }), {
      inputs: operands(shape),
      shape,
      reference: (p) => normalise(p, training ? {} : { statistics }),
      second: false,
      tolerance: 1e-4,
      most: 40,
    });
  });
}

Deno.test("batchNorm: a large mean costs no digits of the variance", async () => {
  const gpu = await testGpu();
  const shape: Shape = [2, 9, 9, 3];
  await checkOp((p) => batchNorm(p.x, { ...p, ...runningOf(gpu, 3), training: true }), {
    inputs: operands(shape, { from: 999, to: 1001 }),
    shape,
    reference: normalise,
    second: false,
    tolerance: 1e-3,
  });
});

Deno.test("batchNorm: training moves the running statistics, the variance unbiased", async () => {
  const gpu = await testGpu();
  const [channels, rows] = [5, 30];
  const { values: before, ...running } = runningOf(gpu, channels);
  const { x, weight, bias } = operands([2, 3, 5, channels]);
  batchNorm(gpu.tensor(x.values, x.shape), {
    weight: gpu.tensor(weight.values, [channels]),
    bias: gpu.tensor(bias.values, [channels]),
    ...running,
    training: true,
    momentum: 0.3,
  });
  const batch = statisticsOf(Float64Array.from(x.values), channels);
  const [mean = [], variance = []] = await readChecked([
    running.runningMean,
    running.runningVariance,
  ]);
  const moved = (from: Float64Array, to: Float64Array) =>
    from.map((value, c) => 0.7 * value + 0.3 * (to[c] ?? NaN));
  const unbiased = batch.variance.map((value) => value * rows / (rows - 1));
  assertClose(mean, moved(before.mean, batch.mean), { atol: 1e-6, what: "mean" });
  assertClose(variance, moved(before.variance, unbiased), { atol: 1e-6, what: "variance" });
});

Deno.test("batchNorm: a dead channel gives the bias and finite gradients", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor([3, 1, 3, 2, 3, 6], [3, 1, 1, 2]));
  const [weight, bias] = [watch(gpu.tensor([2, 1], [2])), watch(gpu.tensor([5, 0], [2]))];
  const parameters = { weight, bias, ...runningOf(gpu, 2), training: true };
  const y = batchNorm(x, { ...parameters });
  const upstream = gpu.tensor([1, 0, 2, 0, 6, 0], y.shape);
  const deviation = 1 / Math.sqrt(1e-5);
  for (const differentiable of [false, true]) {
    const grads = gradients(y, [x, weight, bias], { upstream, differentiable });
    const [out = [], dx = [], dweight = [], dbias = []] = await readChecked([y, ...grads]);
    const dead = (values: ArrayLike<number>) => Array.from(values).filter((_, at) => at % 2 === 0);
    assertClose(dead(out), [5, 5, 5], { what: "y" });
    const wanted = [-2, -1, 3].map((value) => 2 * deviation * value);
    assertClose(dead(dx), wanted, { rtol: 1e-5, what: "dx" });
    assertClose(dead(dweight), [0], { what: "dweight" });
    assertClose(dead(dbias), [9], { what: "dbias" });
  }
});

Deno.test("batchNorm: without an epsilon the padding stays zero", async () => {
  const gpu = await testGpu();
  for (const training of [true, false]) {
    const x = watch(gpu.tensor([1, 3], [2, 1, 1, 1]));
    const y = batchNorm(x, {
      weight: gpu.tensor([1], [1]),
      bias: gpu.zeros([1]),
      runningMean: gpu.zeros([1]),
      runningVariance: gpu.tensor([4], [1]),
      training,
      epsilon: 0,
    });
    const [dx] = gradients(y, [x], { upstream: gpu.tensor([1, 0], y.shape) });
    await readChecked([y, dx ?? x]);
  }
});

Deno.test("batchNorm: refuses what does not fit", async () => {
  const gpu = await testGpu();
  const vector = (size: number, label: string) => gpu.zeros([size], { label });
  const parameters = {
    weight: vector(3, "weight"),
    bias: vector(3, "bias"),
    runningMean: vector(3, "mean"),
    runningVariance: vector(3, "variance"),
    training: true,
  };
  assert.throws(() => batchNorm(gpu.zeros([2, 3]), parameters), {
    name: "TypeError",
    message: "Cannot normalise x: wanted four dimensions, found [2, 3]",
  });
  for (const name of ["weight", "bias", "runningMean", "runningVariance"]) {
    const wrong = { ...parameters, [name]: vector(4, name) };
    assert.throws(() => batchNorm(gpu.zeros([2, 1, 1, 3]), wrong), {
      name: "TypeError",
      message: `Cannot normalise x: ${name} must be [3], found [4]`,
    });
  }
  assert.throws(() => batchNorm(gpu.zeros([1, 1, 1, 3]), parameters), {
    name: "RangeError",
    message: "Cannot normalise x in training: wanted more than one value a channel, found 1",
  });
});

interface Step {
  readonly found: readonly Float32Array[];
  readonly names: readonly string[];
}

/** Runs `relu(batchNorm(x)) + x`, its gradients and the running statistics, and tells what was dispatched. */
async function residualStep(
  gpu: Gpu,
  { fusion, training = true }: { fusion: boolean; training?: boolean },
): Promise<Step> {
  const shape: Shape = [3, 9, 9, 21];
  const { values: _, ...running } = runningOf(gpu, shape[3]);
  const { x, weight, bias } = operands(shape);
  const [leaf, slope, shift] = [x, weight, bias].map(({ values, shape }) =>
    watch(gpu.tensor(values, shape))
  );
  assert.ok(leaf !== undefined && slope !== undefined && shift !== undefined);
  const upstream = gpu.tensor(randomValues(x.values.length, { seed: 9 }), shape);
  using program = await Program.record(gpu, {
    label: "residual step",
    fusion,
    build: () => {
      const normal = relu(batchNorm(leaf, { weight: slope, bias: shift, ...running, training }));
      const y = add(normal, leaf);
      return [y, ...gradients(y, [leaf, slope, shift], { upstream })];
    },
  });
  program.run();
  const statistics = [running.runningMean, running.runningVariance];
  return {
    found: await readChecked([...program.outputs, ...statistics]),
    names: program.plan.dispatches.map(nameOf).filter((name) => name.startsWith("batch_norm")),
  };
}

Deno.test("batchNorm: merged with rectifier, gate and sum, it computes the same values", async () => {
  const gpu = await testGpu();
  const [merged, plain] = [
    await residualStep(gpu, { fusion: true }),
    await residualStep(gpu, { fusion: false }),
  ];
  assert.deepEqual(merged.names, [
    "batch_norm.moments",
    "batch_norm.normalise_batch + relu.forward",
    "batch_norm.vjp_sums + relu.gate",
    "batch_norm.vjp + relu.gate + add.forward",
  ]);
  assert.equal(plain.names.length, 4);
  await assertSameValues(merged.found, plain.found);
});

Deno.test("batchNorm: with given statistics the rectifier is merged, the gate is not", async () => {
  const gpu = await testGpu();
  const [merged, plain] = [
    await residualStep(gpu, { fusion: true, training: false }),
    await residualStep(gpu, { fusion: false, training: false }),
  ];
  assert.deepEqual(merged.names, [
    "batch_norm.normalise + relu.forward",
    "batch_norm.freeze",
    "batch_norm.vjp_sums",
    "batch_norm.vjp + add.forward",
  ]);
  await assertSameValues(merged.found, plain.found);
});

Deno.test("batchNorm: a sum before the rectifier is merged, and the gate that needs it is not", async () => {
  const gpu = await testGpu();
  const shape: Shape = [3, 9, 9, 21];
  const { x, weight, bias } = operands(shape);
  const other = gpu.tensor(randomValues(x.values.length, { seed: 9 }), shape);
  for (const training of [true, false]) {
    const found = [];
    for (const fusion of [true, false]) {
      const { values: _, ...running } = runningOf(gpu, shape[3]);
      const leaf = watch(gpu.tensor(x.values, shape));
      const parameters = {
        weight: gpu.tensor(weight.values, weight.shape),
        bias: gpu.tensor(bias.values, bias.shape),
        ...running,
      };
      using program = await Program.record(gpu, {
        label: "shortcut",
        fusion,
        build: () => {
          const y = relu(add(batchNorm(leaf, { ...parameters, training }), other));
          return gradients(sum(multiply(y, y), { keep: "none" }), [leaf]);
        },
      });
      program.run();
      found.push(await readChecked(program.outputs));
      const names = program.plan.dispatches.map(nameOf);
      const entry = training ? "normalise_batch" : "normalise";
      const whole = `batch_norm.${entry} + add.forward + relu.forward`;
      assert.equal(names.includes(whole), fusion);
      assert.ok(names.includes("relu.gate"));
    }
    await assertSameValues(found[0] ?? [], found[1] ?? []);
  }
});

Deno.test("batchNorm: a NaN stays in the merged rectifier", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 1, 4]);
  const other = gpu.tensor([NaN, -Infinity, Infinity, -9, 0, -9, -9, NaN], x.shape);
  for (const training of [true, false]) {
    const parameters = { weight: gpu.zeros([4]), bias: gpu.zeros([4]), ...runningOf(gpu, 4) };
    using program = await Program.record(gpu, {
      label: "rectified",
      build: () => relu(add(batchNorm(x, { ...parameters, training }), other)),
    });
    program.run();
    assert.match(program.plan.dispatches.map(nameOf).at(-1) ?? "", /add.forward \+ relu.forward$/);
    assert.deepEqual([...await program.outputs.read()], [NaN, 0, Infinity, 0, 0, 0, 0, NaN]);
  }
});

Deno.test("batchNorm: a card's workgroups come to the same values", async () => {
  using card = await cardGpu();
  const [wide, narrow] = [
    await residualStep(card, { fusion: true }),
    await residualStep(await testGpu(), { fusion: true }),
  ];
  wide.found.forEach((values, at) => {
    assertClose(values, narrow.found[at] ?? [], { atol: 1e-4, rtol: 1e-5, what: `output ${at}` });
  });
});

for (const dtype of ["f32", "f16"] as const) {
  for (const training of [true, false]) {
    const name = `${training ? "in training" : "with given statistics"}, ${dtype}`;
    testIn(dtype, `batchNorm: writes where what it reads last lies, ${name}`, async () => {
      const gpu = await testGpu();
      const shape: Shape = [3, 9, 9, 21];
      const { x, weight, bias } = operands(shape);
      const { values: _, ...running } = runningOf(gpu, shape[3]);
      const given = {
        weight: gpu.tensor(weight.values, weight.shape),
        bias: gpu.tensor(bias.values, bias.shape),
        ...running,
        training,
        momentum: 0,
      };
      const leaf = watch(gpu.tensor(x.values, shape, { dtype }));
      const dy = gpu.tensor(randomValues(x.values.length, { seed: 9 }), shape, { dtype });
      const { dispatches } = await mergedPlan(gpu, () => {
        const y = relu(batchNorm(leaf, given));
        const dx = gradients(y, [leaf], { upstream: scale(dy, 3) });
        const again = relu(batchNorm(scale(leaf, 2), given));
        return [...dx, again].map((tensor) => scale(tensor, 2));
      });
      const names = dispatches.filter(isInPlace).map(nameOf);
      assert.deepEqual(
        names,
        training
          ? ["batch_norm.vjp + relu.gate"]
          : ["relu.gate", "batch_norm.vjp", "batch_norm.normalise + relu.forward"],
      );
    });
  }
}
