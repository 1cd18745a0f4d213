import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { transferLoss, type TransferWeights } from "../../lib/losses/transfer_loss.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";

/** Loss, attention losses and the gradient of each of three taps. */
async function lossOf(weights: TransferWeights) {
  const gpu = await testGpu();
  const taps = (seed: number) =>
    [0, 1, 2].map((at) =>
      watch(gpu.tensor(randomValues(2 * 2 * 2 * 4, { seed: seed + at }), [2, 2, 2, 4]))
    );
  const logits = () => watch(gpu.tensor(randomValues(6, { seed: 9 }), [2, 3]));
  const student = { logits: logits(), taps: taps(1) };
  const labels = gpu.tensor([1, 2], [2], { dtype: "u32" });
  const { total, attention } = transferLoss(weights)({
    student,
    teacher: { logits: logits(), taps: taps(20) },
    labels,
  });
  const used = (weights.taps ?? [0, 1, 2]).flatMap((at) => student.taps[at] ?? []);
  const found = weights.beta === 0 ? [] : gradients(total, used);
  const [values = [], ...rest] = await gpu.read([total, ...attention, ...found]);
  return {
    total: values[0] ?? NaN,
    attention: rest.slice(0, attention.length).map(([value = NaN]) => value),
    gradients: rest.slice(attention.length),
  };
}

Deno.test("transferLoss: taps picks the groups whose attention counts", async () => {
  const all = await lossOf({ beta: 100 });
  const none = await lossOf({ beta: 0 });
  const picked = await lossOf({ beta: 100, taps: [0, 2] });
  assert.equal(all.attention.length, 3);
  assert.deepEqual(picked.attention, [all.attention[0], all.attention[2]]);
  const wanted = none.total + 100 * ((all.attention[0] ?? NaN) + (all.attention[2] ?? NaN));
  assertClose([picked.total], [wanted], { rtol: 1e-5 });
  await assert.rejects(lossOf({ beta: 1, taps: [3] }), {
    name: "RangeError",
    message: "Cannot transfer the attention of group 3: wanted one of 0 to 2",
  });
});

Deno.test("transferLoss: a beta on the GPU weighs as a number does, and at 0 nothing is learned by it", async () => {
  const gpu = await testGpu();
  const number = await lossOf({ beta: 100 });
  const scalar = await lossOf({ beta: gpu.tensor([100], []) });
  assertClose([scalar.total], [number.total], { rtol: 1e-6 });
  for (const [at, found] of scalar.gradients.entries()) {
    assertClose(found, number.gradients[at] ?? [], { atol: 1e-6, rtol: 1e-5, what: `tap ${at}` });
  }
  const zero = await lossOf({ beta: gpu.tensor([0], []) });
  assert.equal(zero.total, (await lossOf({ beta: 0 })).total);
  assert.ok(zero.gradients.flatMap((values) => [...values]).every((value) => value === 0));
  assert.deepEqual(zero.attention, number.attention);
});
