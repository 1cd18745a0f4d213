import assert from "node:assert/strict";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { gradients } from "../../lib/gradients.ts";
import { activationMap } from "../../lib/ops/activation_map.ts";
import { add } from "../../lib/ops/add.ts";
import { attentionMap } from "../../lib/ops/attention_map.ts";
import { avgPool2d } from "../../lib/ops/avg_pool2d.ts";
import { batchNorm } from "../../lib/ops/batch_norm.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { conv2d } from "../../lib/ops/conv2d.ts";
import { globalAvgPool2d } from "../../lib/ops/global_avg_pool2d.ts";
import { maxPool2d } from "../../lib/ops/max_pool2d.ts";
import { meanSquaredDifference } from "../../lib/ops/mean_squared_difference.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { normalise, NORMS } from "../../lib/ops/normalise.ts";
import { relu } from "../../lib/ops/relu.ts";
import { scale } from "../../lib/ops/scale.ts";
import { softmax } from "../../lib/ops/softmax.ts";
import { sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { checkOp, type OpCheck } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { spaced, uniform } from "../support/operand.ts";
import { mapsOf, rawMapsOf, unitRows } from "../support/reference/attention_map.ts";
import { normalise as normaliseBatch } from "../support/reference/batch_norm.ts";
import { type Convolution, convolve, convolvedShape } from "../support/reference/conv2d.ts";
import { pool, pooledShape, type Pooling } from "../support/reference/pool2d.ts";
import { testIn } from "../support/test_in.ts";

const dtype = "f16";

/** Checks an op whose activations are f16; a rounding of one number is at most 2^-11 of it. */
async function checkHalf<K extends string>(
  op: (inputs: Readonly<Record<K, Tensor>>) => Tensor,
  check: OpCheck<K>,
): Promise<void> {
  await checkOp(op, { second: false, tolerance: 2.2e-3, most: 60, ...check });
}

const SHAPE = [2, 5, 7, 5] as const;
const A = { ...uniform(SHAPE), dtype } as const;
const B = { ...uniform(SHAPE, { seed: 2 }), dtype } as const;

testIn(dtype, "half precision: add, multiply, scale", async () => {
  await checkHalf(({ a, b }) => scale(add(multiply(a, b), a), 3), {
    inputs: { a: A, b: B },
    shape: SHAPE,
    reference: ({ a, b }) => a.map((value, at) => 3 * (value * (b[at] ?? NaN) + value)),
    tolerance: 6e-3,
  });
});

testIn(dtype, "half precision: relu", async () => {
  await checkHalf(({ x }) => relu(x), {
    inputs: { x: { ...spaced(SHAPE), dtype } },
    shape: SHAPE,
    reference: ({ x }) => x.map((value) => Math.max(value, 0)),
  });
});

const CONVOLUTIONS: Readonly<Record<string, Convolution>> = {
  "narrow": { x: [2, 5, 7, 3], w: [3, 3, 3, 5], stride: 1, padding: 1 },
  "wide": { x: [2, 6, 8, 24], w: [3, 3, 24, 16], stride: 1, padding: 1 },
  "stride 2": { x: [2, 8, 16, 16], w: [3, 3, 16, 16], stride: 2, padding: 1 },
  "a 7x7 stem": { x: [2, 9, 12, 3], w: [7, 7, 3, 8], stride: 2, padding: 3 },
};

for (const [name, sizes] of Object.entries(CONVOLUTIONS)) {
  testIn(dtype, `half precision: conv2d, ${name}`, async () => {
    const outputs = sizes.w[3];
    await checkHalf(({ x, w, b }) => conv2d(x, w, { ...sizes, bias: b }), {
      inputs: {
        x: { ...uniform(sizes.x), dtype },
        w: uniform(sizes.w, { seed: 2, layout: "weights" }),
        b: uniform([outputs], { seed: 3 }),
      },
      shape: convolvedShape(sizes),
      reference: (values) => convolve(values, sizes),
    });
  });
}

for (const training of [true, false]) {
  testIn(
    dtype,
    `half precision: batchNorm in ${training ? "training" : "evaluation"}`,
    async () => {
      const gpu = await testGpu();
      const statistics = { mean: new Float64Array(5), variance: new Float64Array(5).fill(1) };
      await checkHalf((p) =>
        batchNorm(p.x, {
          ...p,
          runningMean: gpu.zeros([5]),
          runningVariance: gpu.tensor(statistics.variance, [5]),
          training,
        }), {
        inputs: {
          x: { ...uniform(SHAPE, { from: 1, to: 4 }), dtype },
          weight: uniform([5], { seed: 2, from: 0.5, to: 1.5 }),
          bias: uniform([5], { seed: 3 }),
        },
        shape: SHAPE,
        reference: (p) => normaliseBatch(p, training ? {} : { statistics }),
      });
    },
  );
}

const POOLING: Pooling = { x: SHAPE, size: 3, stride: 2, padding: 1 };

testIn(dtype, "half precision: pooling", async () => {
  await checkHalf(({ x }) => maxPool2d(x, 3, POOLING), {
    inputs: { x: { ...spaced(SHAPE), dtype } },
    shape: pooledShape(POOLING),
    reference: ({ x }) => pool(x, POOLING, (window) => Math.max(...window)),
  });
  await checkHalf(({ x }) => avgPool2d(x, 3, POOLING), {
    inputs: { x: A },
    shape: pooledShape(POOLING),
    reference: ({ x }) => pool(x, POOLING, (window) => window.reduce((a, b) => a + b, 0) / 9),
  });
});

testIn(dtype, "half precision: the global mean is float32", async () => {
  const sizes: Pooling = { x: [2, 5, 5, 5], size: 5, stride: 5, padding: 0 };
  await checkHalf(({ x }) => globalAvgPool2d(x), {
    inputs: { x: { ...uniform(sizes.x), dtype } },
    shape: [2, 5],
    reference: ({ x }) => pool(x, sizes, (window) => window.reduce((a, b) => a + b, 0) / 25),
  });
  const gpu = await testGpu();
  const x = gpu.tensor(new Float32Array(4096).fill(60000), [1, 64, 64, 1], { dtype });
  assert.deepEqual([...await globalAvgPool2d(x).read()], [new Float16Array([60000])[0]]);
});

testIn(dtype, "half precision: attention maps are float32", async () => {
  const [n, height, width, channels] = SHAPE;
  await checkHalf(({ x }) => attentionMap(x), {
    inputs: { x: A },
    shape: [n, height * width],
    reference: ({ x }) => mapsOf(x, { positions: height * width, channels }),
  });
  await checkHalf(({ x }) => activationMap(x, { map: "max^4" }), {
    inputs: { x: { ...spaced(SHAPE), dtype } },
    shape: [n, height * width],
    reference: ({ x }) => rawMapsOf(x, { channels, power: 4, reduce: "max" }),
  });
  const gpu = await testGpu();
  const x = gpu.tensor(new Float32Array(8).fill(60000), [1, 1, 1, 8], { dtype });
  const [rounded = NaN] = new Float16Array([60000]);
  assert.deepEqual([...await activationMap(x).read()], [8 * rounded ** 2]);
});

testIn(
  dtype,
  "half precision: normalised activations are float32, and their gradients f16",
  async () => {
    for (const norm of NORMS) {
      await checkHalf(({ x }) => normalise(x, { norm }), {
        inputs: { x: { ...spaced(SHAPE), dtype } },
        shape: SHAPE,
        reference: ({ x }) => unitRows(x, { columns: x.length / SHAPE[0], norm }),
      });
    }
  },
);

testIn(dtype, "half precision: sums are float32, and their gradients f16", async () => {
  const [n, height, width, channels] = SHAPE;
  await checkHalf(({ x }) => sum(x, { keep: "channels" }), {
    inputs: { x: A },
    shape: [channels],
    reference: ({ x }) =>
      Float64Array.from(
        { length: channels },
        (_, c) => x.reduce((total, value, at) => at % channels === c ? total + value : total, 0),
      ),
  });
  await checkHalf(({ v }) => broadcast(v, SHAPE, { keep: "channels", dtype }), {
    inputs: { v: uniform([channels]) },
    shape: SHAPE,
    reference: ({ v }) =>
      Float64Array.from(
        { length: n * height * width * channels },
        (_, at) => v[at % channels] ?? 0,
      ),
  });
  const gpu = await testGpu();
  const x = gpu.tensor(new Float32Array(40).fill(60000), [40], { dtype });
  const [rounded = NaN] = new Float16Array([60000]);
  assert.deepEqual([...await sum(x, { keep: "none" }).read()], [40 * rounded]);
  const rows = gpu.tensor(new Float32Array(5000).fill(60000), [1000, 5], { dtype });
  const totals = await sum(rows, { keep: "channels" }).read();
  assert.deepEqual([...totals], Array.from({ length: 5 }, () => 1000 * rounded));
});

testIn(dtype, "half precision: the mean squared difference is float32", async () => {
  await checkHalf(({ a, b }) => meanSquaredDifference(a, b), {
    inputs: { a: A, b: B },
    shape: [],
    reference: ({ a, b }) => [
      a.reduce((total, value, at) => total + (value - (b[at] ?? NaN)) ** 2, 0) / a.length,
    ],
  });
});

testIn(dtype, "half precision: float32 and f16 do not mix", async () => {
  const gpu = await testGpu();
  const half = gpu.zeros([2, 2, 2, 3], { label: "half", dtype });
  const single = gpu.zeros([2, 2, 2, 3], { label: "single" });
  const weights = gpu.zeros([1, 1, 3, 3], { label: "w", layout: "weights", dtype });
  const refuses = (run: () => void, message: string) =>
    assert.throws(run, { name: "TypeError", message });
  refuses(() => add(half, single), "Cannot add tensors: single must hold f16 numbers, found f32");
  refuses(
    () => multiply(single, half),
    "Cannot multiply tensors: half must hold f32 numbers, found f16",
  );
  refuses(
    () => conv2d(half, weights),
    "Cannot convolve with w: w must hold f32 numbers, found f16",
  );
  refuses(
    () => softmax(gpu.zeros([2, 2], { label: "logits", dtype })),
    "Cannot take the softmax of the logits: logits must hold f32 numbers, found f16",
  );
});

testIn(dtype, "half precision: a gradient cannot be differentiated again", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.zeros([2, 2, 2, 3], { label: "x", dtype }));
  const y = sum(multiply(x, x), { keep: "none" });
  assert.equal(gradients(y, [x]).length, 1);
  assert.throws(() => gradients(y, [x], { differentiable: true }), {
    name: "TypeError",
    message:
      "Cannot take a differentiable gradient through sum: wanted f32 activations, found multiply.y in f16; " +
      "half precision has no second derivatives",
  });
});
