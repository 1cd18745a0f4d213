import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { weightedSum } from "../../lib/ops/weighted_sum.ts";
import { watch } from "../../lib/tape.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";

const WEIGHTS = [1, -2, 0.5, 3, 0.5, 7, 10];

for (const count of [1, 3, 7]) {
  Deno.test(`weightedSum: ${count} terms`, async () => {
    const weights = WEIGHTS.slice(0, count);
    const names = weights.map((_, at) => `s${at}`);
    const inputs = Object.fromEntries(
      names.map((name, at) => [name, uniform([], { seed: at + 1 })]),
    );
    await checkOp(
      (values) => {
        return weightedSum(
          Object.values(values).map((value, at) => ({ value, weight: weights[at] ?? NaN })),
        );
      },
      {
        inputs,
        shape: [],
        reference: (values) => [
          Object.values(values).reduce((sum, [v = NaN], at) => sum + v * (weights[at] ?? NaN), 0),
        ],
      },
    );
  });
}

Deno.test("weightedSum: a term that is not finite shows, one beyond the terms does not", async () => {
  const gpu = await testGpu();
  const [one, infinite] = [watch(gpu.tensor([1], [])), gpu.tensor([Infinity], [])];
  const sum = weightedSum([{ value: infinite, weight: 1 }, { value: one, weight: 4 }]);
  assert.deepEqual([...await sum.read()], [Infinity]);
  const [slope] = gradients(sum, [one]);
  assert.deepEqual([...await slope?.read() ?? []], [4]);
  const first = weightedSum([{ value: one, weight: 4 }, { value: infinite, weight: 1 }]);
  assert.deepEqual([...await first.read()], [Infinity]);
});

Deno.test("weightedSum: refuses other than one to seven scalars", async () => {
  const gpu = await testGpu();
  const term = { value: gpu.zeros([]), weight: 1 };
  for (const terms of [[], Array.from({ length: 8 }, () => term)]) {
    assert.throws(() => weightedSum(terms), {
      name: "RangeError",
      message: `Cannot add weighted scalars: wanted 1 to 7 of them, found ${terms.length}`,
    });
  }
  assert.throws(() => weightedSum([{ value: gpu.zeros([2], { label: "v" }), weight: 1 }]), {
    name: "TypeError",
    message: "Cannot add weighted scalars: v must be [], found [2]",
  });
});
