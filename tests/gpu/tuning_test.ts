import assert from "node:assert/strict";
import { lookUpVariant, questionKey, Tuning } from "../../lib/gpu/tuning.ts";
import { doubled, doublingOf } from "../support/doubling.ts";
import { testGpu } from "../support/gpu.ts";

const VARIANTS = ["plain", "twin", "slow"];

Deno.test("Tuning: key beats family, both beat the fixed table, and what cannot be done counts for nothing", async () => {
  const question = doublingOf(await testGpu(), { variants: VARIANTS, fallback: "slow", size: 64 });
  assert.equal(questionKey(question), "double [8, 64] f32");
  const family = "double [*, 64] f32";
  const cases = [
    [{}, null],
    [{ [family]: "twin" }, "twin"],
    [{ [family]: "twin", "double [8, 64] f32": "plain" }, "plain"],
    [{ [family]: "twin", "double [8, 64] f32": "gemm" }, "twin"],
    [{ [family]: "gemm", "double [4, 64] f32": "plain" }, null],
  ] as const;
  for (const [variants, wanted] of cases) {
    assert.equal(lookUpVariant({ ...variants }, question), wanted);
    const tuning = new Tuning();
    tuning.adopt({ ...variants });
    assert.equal(tuning.choose(question), wanted ?? "slow");
  }
});

Deno.test("Tuning.with: its variants alone count, and only inside", async () => {
  const question = doublingOf(await testGpu(), { variants: VARIANTS });
  const tuning = new Tuning();
  tuning.adopt({ [question.family]: "twin" });
  assert.equal(tuning.with({}, () => tuning.choose(question)), "plain");
  const inner = () => tuning.with({ [question.family]: "slow" }, () => tuning.choose(question));
  assert.equal(tuning.with({}, inner), "slow");
  assert.equal(tuning.choose(question), "twin");
  assert.throws(() => tuning.with({}, () => assert.fail("inside")), /inside/);
  assert.equal(tuning.choose(question), "twin");
});

Deno.test("Tuning.listen: each question once, how often it was asked, and no GPU work in a recording", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor(Array.from({ length: 64 }, (_, at) => at), [1, 64]);
  const asked = gpu.tuning.listen(() => {
    gpu.record(() => {
      doubled(doubled(x, VARIANTS), VARIANTS);
      doubled(gpu.empty([3, 64]), VARIANTS);
      doubled(gpu.empty([5, 64]), ["plain"]);
    });
  });
  assert.deepEqual(
    asked.map(({ question, times }) => [questionKey(question), times]),
    [["double [1, 64] f32", 2], ["double [3, 64] f32", 1]],
  );
  assert.deepEqual(gpu.tuning.listen(() => {}), []);
});

Deno.test("Tuning: an op runs the variant that was chosen", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1, 2, 3, 4], [1, 4]);
  const y = gpu.tuning.with({ "double [*, 4] f32": "wrong" }, () => doubled(x, ["plain", "wrong"]));
  assert.deepEqual([...await y.read()], [2, 4, 6, 4]);
  assert.deepEqual([...await doubled(x, ["plain", "wrong"]).read()], [2, 4, 6, 8]);
});
