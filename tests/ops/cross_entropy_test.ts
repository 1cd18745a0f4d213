import assert from "node:assert/strict";
import { nameOf } from "../../lib/gpu/kernel.ts";
import { gradients } from "../../lib/gradients.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { scale } from "../../lib/ops/scale.ts";
import { mean } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { mergedPlan } from "../support/merged_plan.ts";
import { uniform } from "../support/operand.ts";
import { randomValues } from "../support/random.ts";
import { logSoftmax } from "../support/reference/softmax.ts";

for (const labels of [[9, 0, 4, 4, 7], [3]]) {
  Deno.test(`crossEntropy: a batch of ${labels.length}`, async () => {
    const gpu = await testGpu();
    const classes = 10;
    const shape = [labels.length, classes];
    const tensor = gpu.tensor(labels, [labels.length], { dtype: "u32" });
    await checkOp(({ x }) => crossEntropy(x, tensor), {
      inputs: { x: uniform(shape, { from: -2, to: 2 }) },
      shape: [labels.length],
      reference: ({ x }) => {
        const logs = logSoftmax(x, { classes });
        return labels.map((label, n) => -(logs[n * classes + label] ?? NaN));
      },
    });
  });
}

Deno.test("crossEntropy: more samples and classes than a workgroup", async () => {
  const gpu = await testGpu();
  const [n, classes] = [67, 101];
  const labels = Uint32Array.from({ length: n }, (_, at) => at * 37 % classes);
  const tensor = gpu.tensor(labels, [n], { dtype: "u32" });
  await checkOp(({ x }) => crossEntropy(x, tensor), {
    inputs: { x: uniform([n, classes], { from: -2, to: 2 }) },
    shape: [n],
    reference: ({ x }) => {
      const logs = logSoftmax(x, { classes });
      return Array.from(labels, (label, at) => -(logs[at * classes + label] ?? NaN));
    },
    second: false,
    most: 50,
  });
});

Deno.test("crossEntropy: large logits do not overflow", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1e4, -1e4, 1e4, -1e4], [2, 2]);
  const labels = gpu.tensor([0, 1], [2], { dtype: "u32" });
  assertClose(await crossEntropy(x, labels).read(), [0, 2e4], { what: "losses" });
});

Deno.test("crossEntropy: its gradient loads the mean's once", async () => {
  const gpu = await testGpu();
  const shape = [5, 7];
  const x = watch(gpu.tensor(randomValues(35, { seed: 1 }), shape));
  const labels = gpu.tensor([6, 0, 3, 3, 1], [5], { dtype: "u32" });
  const build = () => {
    const loss = mean(crossEntropy(x, labels));
    return [loss, ...gradients(scale(loss, 3), [x])];
  };
  const { dispatches } = await mergedPlan(gpu, build);
  const names = dispatches.map(nameOf);
  assert.ok(!names.some((name) => name.startsWith("broadcast")), names.join());
});

Deno.test("crossEntropy: refuses what does not fit", async () => {
  const gpu = await testGpu();
  const labels = gpu.zeros([2], { label: "labels", dtype: "u32" });
  assert.throws(() => crossEntropy(gpu.zeros([6]), labels), {
    name: "TypeError",
    message: "Cannot take the cross-entropy of the logits: wanted two dimensions, found [6]",
  });
  assert.throws(() => crossEntropy(gpu.zeros([3, 2]), labels), {
    name: "TypeError",
    message: "Cannot take the cross-entropy: labels must be [3], found [2]",
  });
  const floats = gpu.zeros([2], { label: "labels" });
  assert.throws(() => crossEntropy(gpu.zeros([2, 3]), floats), {
    name: "TypeError",
    message: "Cannot take the cross-entropy: labels must hold u32 numbers, found f32",
  });
});
