import assert from "node:assert/strict";
import type { Gpu } from "../lib/gpu/device.ts";
import { gradients } from "../lib/gradients.ts";
import { activationMap } from "../lib/ops/activation_map.ts";
import { add } from "../lib/ops/add.ts";
import { multiply } from "../lib/ops/multiply.ts";
import { scale } from "../lib/ops/scale.ts";
import { sum } from "../lib/ops/sum.ts";
import { stopGradient, watch } from "../lib/tape.ts";
import { checkOp } from "./support/check_op.ts";
import { testGpu } from "./support/gpu.ts";
import { convolve } from "./support/reference/conv2d.ts";
import { normalise } from "./support/reference/batch_norm.ts";
import { logSoftmax } from "./support/reference/softmax.ts";
import {
  NET,
  NET_LABELS,
  netLoss,
  netOperands,
  netRunning,
  type NetValues,
} from "./support/small_net.ts";

function leaf(gpu: Gpu, values: readonly number[]) {
  return watch(gpu.tensor(values, [values.length], { label: "x" }));
}

async function valuesOf(grads: ReturnType<typeof gradients>): Promise<number[][]> {
  const [first] = grads;
  return first === undefined ? [] : (await first.gpu.read(grads)).map((values) => [...values]);
}

for (const differentiable of [false, true]) {
  const form = differentiable ? "differentiable" : "plain";

  Deno.test(`gradients: fan-out adds up, ${form}`, async () => {
    const gpu = await testGpu();
    const x = leaf(gpu, [1, 2]);
    const y = sum(add(add(scale(x, 2), multiply(x, x)), x), { keep: "none" });
    assert.deepEqual(await valuesOf(gradients(y, [x], { differentiable })), [[5, 7]]);
  });

  Deno.test(`gradients: diamonds inside of diamonds, ${form}`, async () => {
    const gpu = await testGpu();
    let x = leaf(gpu, [1, -1]);
    const first = x;
    for (let depth = 0; depth < 6; depth++) x = add(scale(x, 2), scale(x, -1.5));
    const y = sum(x, { keep: "none" });
    const [wanted] = await valuesOf(gradients(y, [first], { differentiable }));
    assert.deepEqual(wanted, [0.5 ** 6, 0.5 ** 6]);
  });

  Deno.test(`gradients: an intermediate tensor and its ancestor at once, ${form}`, async () => {
    const gpu = await testGpu();
    const x = leaf(gpu, [1, 2]);
    const square = multiply(x, x);
    const y = sum(add(multiply(square, square), x), { keep: "none" });
    const grads = gradients(y, [square, x], { differentiable });
    assert.deepEqual(await valuesOf(grads), [[2, 8], [5, 33]]);
  });
}

Deno.test("gradients: a tensor with respect to itself is the upstream", async () => {
  const gpu = await testGpu();
  const x = leaf(gpu, [1, 2]);
  const upstream = gpu.tensor([3, 4], [2]);
  assert.deepEqual(gradients(x, [x], { upstream }), [upstream]);
});

Deno.test("gradients: the same tensor twice gives its gradient twice", async () => {
  const gpu = await testGpu();
  const x = leaf(gpu, [1, 2]);
  const y = sum(scale(x, 3), { keep: "none" });
  assert.deepEqual(await valuesOf(gradients(y, [x, x])), [[3, 3], [3, 3]]);
});

Deno.test("gradients: a deep graph does not overflow the stack", async () => {
  const gpu = await testGpu();
  const first = leaf(gpu, [1]);
  const { dispatches } = gpu.record(() => {
    let x = first;
    for (let depth = 0; depth < 12_000; depth++) x = scale(x, 1);
    return gradients(x, [first], { upstream: gpu.zeros([1]) });
  });
  assert.equal(dispatches.length, 24_000);
});

Deno.test("gradients: refuses a tensor that y does not depend on", async () => {
  const gpu = await testGpu();
  const [x, other] = [leaf(gpu, [1]), watch(gpu.tensor([1], [1], { label: "other" }))];
  const plain = gpu.tensor([1], [1], { label: "plain" });
  const cases = [
    { y: sum(x, { keep: "none" }), xs: [x, other], label: "other" },
    { y: sum(plain, { keep: "none" }), xs: [plain], label: "plain" },
  ];
  for (const { y, xs, label } of cases) {
    assert.throws(() => gradients(y, xs), {
      name: "TypeError",
      message:
        `Cannot take the gradient of sum.y: it does not depend on ${label}, or ${label} has no requiresGrad`,
    });
  }
});

Deno.test("gradients: refuses to start where y is not a scalar or upstream not like y", async () => {
  const gpu = await testGpu();
  const x = leaf(gpu, [1, 2]);
  const action = "start a reverse sweep (y must be a scalar, or upstream be given)";
  assert.throws(() => gradients(scale(x, 2), [x]), {
    name: "TypeError",
    message: `Cannot ${action}: constant 1 must be [2], found []`,
  });
  const upstream = gpu.zeros([3], { label: "upstream" });
  assert.throws(() => gradients(scale(x, 2), [x], { upstream }), {
    name: "TypeError",
    message: `Cannot ${action}: upstream must be [2], found [3]`,
  });
});

Deno.test("gradients: stopGradient stops one of two paths", async () => {
  const gpu = await testGpu();
  const x = leaf(gpu, [3]);
  const y = sum(multiply(x, stopGradient(x)), { keep: "none" });
  assert.deepEqual(await valuesOf(gradients(y, [x])), [[3]]);
});

Deno.test("gradients: plain gradients carry no history, differentiable ones do", async () => {
  const gpu = await testGpu();
  const x = leaf(gpu, [3]);
  const y = sum(multiply(x, multiply(x, x)), { keep: "none" });
  assert.equal(gradients(y, [x])[0]?.requiresGrad, false);
  const [dx] = gradients(y, [x], { differentiable: true });
  assert.ok(dx !== undefined);
  const [ddx] = gradients(sum(dx, { keep: "none" }), [x], { differentiable: true });
  assert.ok(ddx !== undefined);
  const [dddx] = gradients(sum(ddx, { keep: "none" }), [x]);
  assert.ok(dddx !== undefined);
  assert.deepEqual(await valuesOf([dx, ddx, dddx]), [[27], [18], [6]]);
});

Deno.test("gradients: an op without a second derivative is named", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor([1, 2], [1, 2, 1, 1]));
  const y = sum(activationMap(x), { keep: "none" });
  assert.throws(() => gradients(y, [x], { differentiable: true }), {
    name: "TypeError",
    message:
      "Cannot take a differentiable gradient through activationMap: it has no second derivative",
  });
  assert.equal(gradients(y, [x]).length, 1);
});

function referenceNet(
  { x, conv, scale: weight, shift, fc, bias }: NetValues<Float64Array>,
): number[] {
  const { batch, side, inputs, hidden, classes } = NET;
  const convolved = convolve({ x, w: conv }, {
    x: [batch, side, side, inputs],
    w: [3, 3, inputs, hidden],
    stride: 1,
    padding: 1,
  });
  const features = normalise({ x: convolved, weight, bias: shift });
  assert.ok(features.every((value) => Math.abs(value) > 0.02), "a feature is at the kink of ReLU");
  const logits = Float64Array.from({ length: batch * classes }, (_, at) => {
    const [n, c] = [Math.floor(at / classes), at % classes];
    let logit = bias[c] ?? NaN;
    for (let p = 0; p < side * side; p++) {
      for (let h = 0; h < hidden; h++) {
        const feature = Math.max(features[(n * side * side + p) * hidden + h] ?? NaN, 0);
        logit += feature / side ** 2 * (fc[h * classes + c] ?? NaN);
      }
    }
    return logit;
  });
  const logs = logSoftmax(logits, { classes });
  const losses = NET_LABELS.map((label, n) => -(logs[n * classes + label] ?? NaN));
  return [losses.reduce((a, b) => a + b, 0) / batch];
}

Deno.test("gradients: a net of two layers, with gradients of its gradients", async () => {
  const gpu = await testGpu();
  const labels = gpu.tensor([...NET_LABELS], [NET.batch], { dtype: "u32" });
  await checkOp((tensors) => netLoss(tensors, { running: netRunning(gpu), labels }), {
    inputs: { ...netOperands() },
    shape: [],
    reference: referenceNet,
    tolerance: 5e-5,
  });
});
