import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { attentionTransfer } from "../../lib/losses/attention_transfer.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { Oracle, oracleCases } from "../support/oracle.ts";

Deno.test("attentionTransfer: loss and student's gradient are PyTorch's", async () => {
  const gpu = await testGpu();
  const oracle = await Oracle.open("ops/ops.safetensors");
  const found = (await oracleCases()).find(({ name }) => name === "at_loss");
  const tolerance = (name: string) => ({
    atol: Math.max(20 * (found?.f32_error?.[name] ?? 0), 1e-5 * (found?.abs_max?.[name] ?? 0)),
    what: name,
  });
  const student = watch(oracle.tensor(gpu, "at_loss/in.x"));
  const loss = attentionTransfer(student, oracle.tensor(gpu, "at_loss/in.y"));
  const [dx] = gradients(loss, [student]);
  assert.deepEqual(loss.shape, []);
  assertClose(await loss.read(), oracle.raw("at_loss/out.loss"), tolerance("loss"));
  assertClose(await dx?.read() ?? [], oracle.values("at_loss/grad.x"), tolerance("grad.x"));
});

Deno.test("attentionTransfer: the teacher is a constant", async () => {
  const gpu = await testGpu();
  const [student, teacher] = [gpu.tensor([1, 2, 3, 4], [1, 2, 2, 1]), gpu.zeros([1, 2, 2, 1])]
    .map(watch);
  assert.ok(student !== undefined && teacher !== undefined);
  const loss = attentionTransfer(student, teacher);
  assert.equal(gradients(loss, [student]).length, 1);
  assert.throws(() => gradients(loss, [teacher]), { name: "TypeError", message: /not depend on/ });
});

Deno.test("attentionTransfer: channels may differ, positions may not", async () => {
  const gpu = await testGpu();
  const student = gpu.tensor([3, 4], [1, 1, 2, 1]);
  const [loss = NaN] = await attentionTransfer(student, gpu.zeros([1, 1, 2, 5])).read();
  assert.ok(Math.abs(loss - 0.5) < 1e-6, `${loss}`);
  assert.throws(() => attentionTransfer(student, gpu.zeros([1, 2, 2, 1])), { name: "TypeError" });
});
