import assert from "node:assert/strict";
import { nameOf } from "../../lib/gpu/kernel.ts";
import { gradients } from "../../lib/gradients.ts";
import { distillation } from "../../lib/ops/distillation.ts";
import { scale } from "../../lib/ops/scale.ts";
import { mean } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { mergedPlan } from "../support/merged_plan.ts";
import { uniform } from "../support/operand.ts";
import { randomValues } from "../support/random.ts";
import { logSoftmax } from "../support/reference/softmax.ts";

const CASES = [
  { shape: [5, 10], temperature: 4, second: true },
  { shape: [1, 3], temperature: 1, second: true },
  { shape: [67, 101], temperature: 2, second: false },
] as const;

for (const { shape, temperature, second } of CASES) {
  Deno.test(`distillation: [${shape.join(", ")}] at temperature ${temperature}`, async () => {
    const gpu = await testGpu();
    const [batch, classes] = shape;
    const teacher = randomValues(batch * classes, { seed: 9, from: -3, to: 3 });
    const logP = logSoftmax(Float64Array.from(teacher), { classes, temperature });
    const tensor = gpu.tensor(teacher, shape);
    await checkOp(({ student }) => distillation(student, tensor, { temperature }), {
      inputs: { student: uniform(shape, { from: -3, to: 3 }) },
      shape: [batch],
      reference: ({ student }) => {
        const logQ = logSoftmax(student, { classes, temperature });
        const losses = new Float64Array(batch);
        logP.forEach((value, at) => {
          const n = Math.floor(at / classes);
          const term = Math.exp(value) * (value - (logQ[at] ?? NaN));
          losses[n] = (losses[n] ?? NaN) + temperature ** 2 * term;
        });
        return losses;
      },
      second,
      most: 50,
    });
  });
}

Deno.test("distillation: the teacher is a constant", async () => {
  const gpu = await testGpu();
  const [student, teacher] = [watch(gpu.zeros([1, 2])), watch(gpu.zeros([1, 2], { label: "t" }))];
  const loss = distillation(student, teacher, { temperature: 4 });
  assert.throws(() => gradients(loss, [teacher], { upstream: gpu.zeros([1]) }), {
    name: "TypeError",
    message: /does not depend on t/,
  });
});

Deno.test("distillation: its gradient loads the mean's once", async () => {
  const gpu = await testGpu();
  const shape = [5, 7];
  const x = watch(gpu.tensor(randomValues(35, { seed: 1 }), shape));
  const teacher = gpu.tensor(randomValues(35, { seed: 2 }), shape);
  const build = () => {
    const loss = mean(distillation(x, teacher, { temperature: 4 }));
    return [loss, ...gradients(scale(loss, 3), [x])];
  };
  const { dispatches } = await mergedPlan(gpu, build);
  const names = dispatches.map(nameOf);
  assert.ok(!names.some((name) => name.startsWith("broadcast")), names.join());
});

Deno.test("distillation: refuses what does not fit", async () => {
  const gpu = await testGpu();
  const [student, teacher] = [gpu.zeros([2, 3]), gpu.zeros([2, 4], { label: "teacher" })];
  assert.throws(() => distillation(gpu.zeros([3]), teacher, { temperature: 4 }), {
    name: "TypeError",
    message: "Cannot distil into the student's logits: wanted two dimensions, found [3]",
  });
  assert.throws(() => distillation(student, teacher, { temperature: 4 }), {
    name: "TypeError",
    message: "Cannot distil from the teacher's logits: teacher must be [2, 3], found [2, 4]",
  });
  assert.throws(() => distillation(student, student, { temperature: 0 }), {
    name: "RangeError",
    message: "Cannot take the softmax: the temperature must be positive, found 0",
  });
});
