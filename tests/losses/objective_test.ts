import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import type { LossInputs, LossTerm } from "../../lib/losses/loss_term.ts";
import { Objective } from "../../lib/losses/objective.ts";
import { scale } from "../../lib/ops/scale.ts";
import { sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { testGpu } from "../support/gpu.ts";
import { scaledLogits } from "../support/scaled_logits.ts";

async function inputsOf(
  values: readonly number[] = [1, 2],
): Promise<Omit<LossInputs, "parameter">> {
  const gpu = await testGpu();
  const logits = watch(gpu.tensor(values, [1, values.length]));
  const student = { logits, taps: [] };
  return {
    images: gpu.zeros([1, 1, 1, 3]),
    labels: gpu.tensor([0], [1], { dtype: "u32" }),
    student,
    teacher: null,
    apply: () => student,
  };
}

/** The sum of the logits times a number, or times several. */
function sumTerm(
  name: string,
  weight: LossTerm["weight"],
  ...factors: readonly number[]
): LossTerm {
  return {
    name,
    weight,
    loss: ({ student: { logits } }) =>
      factors.map((factor) => scale(sum(logits, { keep: "none" }), factor)),
  };
}

async function valuesOf(terms: readonly LossTerm[], { epoch = 1, evaluates = false } = {}) {
  const gpu = await testGpu();
  using objective = new Objective(gpu, terms);
  objective.beginEpoch(epoch);
  const inputs = await inputsOf();
  const { total, terms: found } = objective.compute(inputs, { evaluates });
  const [slope] = evaluates ? [] : gradients(total, [inputs.student.logits]);
  const [[value = NaN] = []] = await gpu.read([total]);
  const parts = await Promise.all([...found].map(async ([name, tensors]) => [
    name,
    (await gpu.read(tensors)).map(([part]) => part),
  ]));
  return { total: value, parts: Object.fromEntries(parts), slope: (await slope?.read())?.[0] };
}

Deno.test("Objective: adds up the terms times their weights, and tells each unweighted", async () => {
  const terms = [sumTerm("a", 2, 1), sumTerm("b", 10, 3, 5), sumTerm("watched", 0, 100)];
  const { total, parts, slope } = await valuesOf(terms);
  assert.equal(total, 3 * (2 + 10 * 8));
  assert.equal(slope, 82);
  assert.deepEqual(parts, { a: [3], b: [9, 15], watched: [300] });
});

Deno.test("Objective: as many scalars as one likes", async () => {
  const factors = Array.from({ length: 16 }, (_, at) => at + 1);
  const { total, slope } = await valuesOf([sumTerm("many", 2, ...factors), sumTerm("one", 1, 1)]);
  assert.equal(total, 3 * (2 * 136 + 1));
  assert.equal(slope, 273);
});

Deno.test("Objective: a weight may be a function of the epoch, the first epoch's at first", async () => {
  const terms = [sumTerm("a", 1, 1), sumTerm("b", (epoch) => 10 - epoch, 1, 2)];
  assert.equal((await valuesOf(terms)).total, 3 + 9 * 9);
  assert.deepEqual(await valuesOf(terms, { epoch: 10 }), {
    total: 3,
    parts: { a: [3], b: [3, 6] },
    slope: 1,
  });
});

Deno.test("Objective: terms that take gradients are left out of an evaluation", async () => {
  const terms = [sumTerm("a", 1, 1), { ...sumTerm("b", 1, 1), takesGradients: true }];
  assert.deepEqual((await valuesOf(terms, { evaluates: true })).parts, { a: [3] });
  assert.equal((await valuesOf(terms)).total, 6);
});

Deno.test("Objective: a term finds its own parameters, and no other's", async () => {
  const gpu = await testGpu();
  const inputs = await inputsOf();
  using objective = new Objective(gpu, [scaledLogits({ weight: 1, classes: 2 })]);
  assert.deepEqual(objective.parameters?.specs.map(({ name }) => name), ["scaled.factor"]);
  objective.parameters?.get("scaled.factor").write(Float32Array.of(2, 3));
  const { total } = objective.compute(inputs);
  assert.deepEqual([...await total.read()], [20]);
  const stranger: LossTerm = { name: "b", weight: 1, loss: ({ parameter }) => parameter("factor") };
  using alone = new Objective(gpu, [stranger]);
  assert.throws(() => alone.compute(inputs), {
    name: "RangeError",
    message: "Cannot find parameter factor of the loss b: it declares none",
  });
});

Deno.test("Objective: refuses nothing to learn from, and two terms of one name", async () => {
  const gpu = await testGpu();
  const refusals: [readonly LossTerm[], string][] = [
    [[], "Cannot make an objective: wanted a term with a weight other than 0, found no term"],
    [
      [sumTerm("a", 0, 1)],
      "Cannot make an objective: wanted a term with a weight other than 0, found a",
    ],
    [
      [sumTerm("a", 1, 1), sumTerm("a", 2, 1)],
      "Cannot make an objective: each term must have a name of its own, found a twice",
    ],
  ];
  for (const [terms, message] of refusals) {
    assert.throws(() => new Objective(gpu, terms), { name: "RangeError", message });
  }
  using empty = new Objective(gpu, [sumTerm("a", 1)]);
  const inputs = await inputsOf();
  assert.throws(() => empty.compute(inputs), {
    message: "Cannot add up the objective: wanted a loss to learn from, found none",
  });
});
