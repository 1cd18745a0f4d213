import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { activationTransfer } from "../../lib/losses/activation_transfer.ts";
import { TRANSFER_FORMS } from "../../lib/losses/transfer_form.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";
import { randomValues } from "../support/random.ts";
import { differenceOf, unitRows } from "../support/reference/attention_map.ts";
import { readChecked } from "../support/stored.ts";

const SHAPES = [[2, 3, 5, 7], [3, 1, 1, 1]] as const;

for (const form of TRANSFER_FORMS) {
  for (const shape of SHAPES) {
    Deno.test(`activationTransfer: ${form} of [${shape.join(", ")}]`, async () => {
      const gpu = await testGpu();
      const columns = shape[1] * shape[2] * shape[3];
      const values = randomValues(shape[0] * columns, { seed: 5, from: -2, to: -1 });
      const b = unitRows(Float64Array.from(values), { columns });
      await checkOp(({ x }) => activationTransfer(x, gpu.tensor(values, shape), { form }), {
        inputs: { x: uniform(shape, { from: 0.5, to: 2 }) },
        shape: [],
        reference: ({ x }) => [differenceOf(form, { a: unitRows(x, { columns }), b, columns })],
        second: false,
      });
    });
  }

  Deno.test(`activationTransfer: ${form} of zeros, and of what is the same, has a zero gradient`, async () => {
    const gpu = await testGpu();
    const student = watch(gpu.tensor([0, 0, 3, 4], [2, 1, 1, 2]));
    const loss = activationTransfer(student, gpu.tensor([1, 0, 3, 4], [2, 1, 1, 2]), { form });
    const [found = [], dx = []] = await readChecked([loss, ...gradients(loss, [student])]);
    assertClose(found, [0.25], { what: "loss" });
    assertClose(dx, [0, 0, 0, 0], { what: "gradient" });
  });
}

Deno.test("activationTransfer: the teacher is a constant", async () => {
  const gpu = await testGpu();
  const [student, teacher] = [gpu.zeros([1, 2, 2, 1]), gpu.zeros([1, 2, 2, 1])].map(watch);
  assert.ok(student !== undefined && teacher !== undefined);
  const loss = activationTransfer(student, teacher);
  assert.equal(gradients(loss, [student]).length, 1);
  assert.throws(() => gradients(loss, [teacher]), { name: "TypeError", message: /not depend on/ });
});

Deno.test("activationTransfer: refuses other channels", async () => {
  const gpu = await testGpu();
  const teacher = gpu.zeros([1, 2, 2, 3], { label: "t" });
  assert.throws(() => activationTransfer(gpu.zeros([1, 2, 2, 1]), teacher), {
    name: "TypeError",
    message: "Cannot transfer activations: t must be [1, 2, 2, 1], found [1, 2, 2, 3]",
  });
});
