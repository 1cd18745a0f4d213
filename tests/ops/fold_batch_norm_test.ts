import assert from "node:assert/strict";
import { batchNorm } from "../../lib/ops/batch_norm.ts";
import { conv2d } from "../../lib/ops/conv2d.ts";
import { foldBatchNorm } from "../../lib/ops/fold_batch_norm.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";
import { readChecked } from "../support/stored.ts";
import { testIn } from "../support/test_in.ts";

const CASES = [
  { kernel: 3, inputs: 5, outputs: 9, epsilon: 1e-5 },
  { kernel: 1, inputs: 1, outputs: 1, epsilon: 0 },
  { kernel: 3, inputs: 33, outputs: 41, epsilon: 0.01 },
];

for (const { kernel, inputs, outputs, epsilon } of CASES) {
  Deno.test(`foldBatchNorm: ${kernel}x${kernel}, ${inputs} to ${outputs} channels`, async () => {
    const gpu = await testGpu();
    const values = {
      w: randomValues(kernel * kernel * inputs * outputs, { seed: 1 }),
      weight: randomValues(outputs, { seed: 2, from: 0.5, to: 1.5 }),
      bias: randomValues(outputs, { seed: 3 }),
      mean: randomValues(outputs, { seed: 4 }),
      variance: randomValues(outputs, { seed: 5, from: 0.1, to: 2 }),
    };
    const vector = (numbers: Float32Array) => gpu.tensor(numbers, [outputs]);
    const w = gpu.tensor(values.w, [kernel, kernel, inputs, outputs], { layout: "weights" });
    const normalisation = {
      weight: vector(values.weight),
      bias: vector(values.bias),
      runningMean: vector(values.mean),
      runningVariance: vector(values.variance),
      epsilon,
    };
    const folded = foldBatchNorm(w, normalisation);
    const [foldedW = [], foldedBias = []] = await readChecked([folded.w, folded.bias]);
    const scale = Array.from(
      values.weight,
      (weight, o) => weight / Math.sqrt((values.variance[o] ?? NaN) + epsilon),
    );
    const at = (numbers: ArrayLike<number>, o: number) => numbers[o] ?? NaN;
    assertClose(foldedW, values.w.map((v, i) => v * at(scale, i % outputs)), {
      rtol: 1e-6,
      what: "weights",
    });
    assertClose(foldedBias, values.bias.map((b, o) => b - at(values.mean, o) * at(scale, o)), {
      rtol: 1e-6,
      atol: 1e-6,
      what: "bias",
    });
    const x = gpu.tensor(randomValues(2 * 36 * inputs, { seed: 6 }), [2, 6, 6, inputs]);
    const [found = [], wanted = []] = await gpu.read([
      conv2d(x, folded.w, { bias: folded.bias }),
      batchNorm(conv2d(x, w), { ...normalisation, training: false }),
    ]);
    assertClose(found, wanted, { rtol: 1e-5, atol: 1e-5, what: "the convolution" });
  });
}

Deno.test("foldBatchNorm: refuses what does not fit", async () => {
  const gpu = await testGpu();
  const vector = (size: number) => gpu.zeros([size], { label: "vector" });
  const normalisation = {
    weight: vector(2),
    bias: vector(2),
    runningMean: vector(2),
    runningVariance: vector(3),
  };
  assert.throws(
    () => foldBatchNorm(gpu.zeros([1, 1, 2, 2], { layout: "weights" }), normalisation),
    {
      name: "TypeError",
      message: "Cannot fold a normalisation into a convolution: vector must be [2], found [3]",
    },
  );
  assert.throws(() => foldBatchNorm(gpu.zeros([1, 1, 2, 2], { label: "w" }), normalisation), {
    name: "TypeError",
    message:
      "Cannot fold a normalisation into a convolution: w must have the layout weights, found channels",
  });
});

testIn("f16", "foldBatchNorm: refuses weights in half precision", async () => {
  const gpu = await testGpu();
  const half = gpu.zeros([1, 1, 2, 2], { label: "w", layout: "weights", dtype: "f16" });
  const [weight, bias, runningMean, runningVariance] = [1, 2, 3, 4].map(() => gpu.zeros([2]));
  assert.ok(weight && bias && runningMean && runningVariance);
  assert.throws(() => foldBatchNorm(half, { weight, bias, runningMean, runningVariance }), {
    name: "TypeError",
    message: "Cannot fold a normalisation into a convolution: w must hold f32 numbers, found f16",
  });
});
