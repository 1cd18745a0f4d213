import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { nameOf } from "../../lib/gpu/kernel.ts";
import { Program } from "../../lib/gpu/program.ts";
import { gradients } from "../../lib/gradients.ts";
import { batchNorm } from "../../lib/ops/batch_norm.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { assertLargest } from "../support/assert_largest.ts";
import { cardGpu, testGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";
import { readChecked } from "../support/stored.ts";

const SHAPE = [3, 17, 11, 21];
const [CHANNELS, SIZE] = [21, 3 * 17 * 11 * 21];

/** The gradients of `sum dx^2` with respect to x, scale and upstream, where dx is `sum y dy`'s gradient of x. */
async function secondGradients(gpu: Gpu) {
  const tensor = (seed: number, shape: readonly number[], from = -1) =>
    watch(gpu.tensor(randomValues(shape.reduce((a, b) => a * b), { seed, from, to: 2 }), shape));
  const [x, dy, weight] = [tensor(1, SHAPE), tensor(2, SHAPE), tensor(3, [CHANNELS], 0.5)];
  using program = await Program.record(gpu, {
    label: "second gradients",
    build: () => {
      const y = batchNorm(x, {
        weight,
        bias: gpu.zeros([CHANNELS]),
        runningMean: gpu.zeros([CHANNELS]),
        runningVariance: gpu.zeros([CHANNELS]),
        training: true,
      });
      const [dx = x] = gradients(y, [x], { upstream: dy, differentiable: true });
      return gradients(sum(multiply(dx, dx), { keep: "none" }), [x, weight, dy]);
    },
  });
  program.run();
  return {
    values: await readChecked(program.outputs),
    names: program.plan.dispatches.map(nameOf),
  };
}

Deno.test("batchNorm: the gradient of its gradient is two passes, alike on a card's workgroups", async () => {
  using card = await cardGpu();
  const [wide, narrow] = [await secondGradients(card), await secondGradients(await testGpu())];
  for (const { names } of [wide, narrow]) {
    const own = names.filter((name) => name.startsWith("batch_norm_gradient"));
    assert.deepEqual(own, ["batch_norm_gradient.sums", "batch_norm_gradient.vjp"]);
  }
  assert.deepEqual(wide.values.map(({ length }) => length), [SIZE, CHANNELS, SIZE]);
  wide.values.forEach((values, at) => {
    const wanted = narrow.values[at] ?? new Float32Array();
    assert.ok(wanted.some((value) => Math.abs(value) > 0.1));
    assertLargest(values, wanted, { rtol: 1e-5, what: `gradient ${at}` });
  });
});

Deno.test("batchNorm: it has no third derivative, and says so", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor(randomValues(24, { seed: 1 }), [2, 3, 1, 4]));
  const y = batchNorm(x, {
    weight: gpu.tensor([1, 1, 1, 1], [4]),
    bias: gpu.zeros([4]),
    runningMean: gpu.zeros([4]),
    runningVariance: gpu.zeros([4]),
    training: true,
  });
  const [dx = x] = gradients(sum(multiply(y, y), { keep: "none" }), [x], { differentiable: true });
  const again = sum(multiply(dx, dx), { keep: "none" });
  assert.throws(() => gradients(again, [x], { differentiable: true }), {
    name: "TypeError",
    message:
      "Cannot take a differentiable gradient through batchNorm.vjp: it has no second derivative",
  });
});
