import assert from "node:assert/strict";
import { tune, type TunerOptions, type TuningState } from "../../lib/gpu/tuner.ts";
import { doublingOf } from "../support/doubling.ts";
import { testGpu } from "../support/gpu.ts";

const VARIANTS = ["plain", "twin"];

/** Tunes three questions with a clock on which each measurement takes ten seconds, and `twin` wins. */
async function tuned(options: Partial<TunerOptions> = {}) {
  const gpu = await testGpu();
  const asked = [
    { question: doublingOf(gpu, { variants: VARIANTS, size: 4, flop: 10 }), times: 1 },
    { question: doublingOf(gpu, { variants: VARIANTS, size: 8, flop: 20 }), times: 3 },
    { question: doublingOf(gpu, { variants: VARIANTS, size: 12, flop: 50 }), times: 1 },
  ];
  const states: TuningState[] = [];
  const notes: string[] = [];
  let clock = 5000;
  const answers = await tune(gpu, asked, {
    effort: "full",
    now: () => clock,
    time: (_gpu, works) => {
      clock += 10_000;
      return Promise.resolve(works.map((_, at) => [2 - at]));
    },
    onProgress: (state) => void states.push(state),
    onNote: (note) => void notes.push(note),
    ...options,
  });
  const told = answers.map(({ question, variant, isMeasured }) => {
    return [question.family, variant, isMeasured] as const;
  });
  return { told, states, notes };
}

Deno.test("tune: begins where most work is, and tells how far it is", async () => {
  const { told, states, notes } = await tuned();
  assert.deepEqual(told, [
    ["double [*, 8] f32", "twin", true],
    ["double [*, 12] f32", "twin", true],
    ["double [*, 4] f32", "twin", true],
  ]);
  assert.deepEqual(states, [0, 1, 2, 3].map((done) => ({ done, total: 3, seconds: 10 * done })));
  assert.deepEqual(notes, []);
});

Deno.test("tune: what does not fit into the budget gets the fixed table's choice, with a note", async () => {
  const { told, notes } = await tuned({ budget: 20 });
  assert.deepEqual(told, [
    ["double [*, 8] f32", "twin", true],
    ["double [*, 12] f32", "twin", true],
    ["double [*, 4] f32", "plain", false],
  ]);
  assert.deepEqual(notes, [
    "the fixed table chooses 1 of 3 kernels: tuning them would take longer than 20 s",
  ]);
  assert.deepEqual((await tuned({ budget: 29 })).told.map(([, , isMeasured]) => isMeasured), [
    true,
    true,
    false,
  ]);
});

Deno.test("tune: a question whose time is up before its variants have run is left to the fixed table", async () => {
  const gpu = await testGpu();
  const notes: string[] = [];
  let [clock, runs] = [0, 0];
  const slowlyCompiled = (size: number) => {
    const { trial, ...question } = doublingOf(gpu, {
      variants: ["plain", "twin", "slow", "wrong"],
      fallback: "twin",
      size,
    });
    const watched = (batch: number) => {
      const { inputs, run } = trial(batch);
      const compiled = (variant: string) => {
        clock += 20_000;
        runs++;
        return run(variant);
      };
      return { inputs, run: compiled };
    };
    return { question: { ...question, trial: watched }, times: 1 };
  };
  const answers = await tune(gpu, [slowlyCompiled(4), slowlyCompiled(8)], {
    effort: "quick",
    budget: 50,
    now: () => clock,
    onNote: (note) => void notes.push(note),
  });
  assert.equal(runs, 3);
  assert.deepEqual(answers.map(({ variant, isMeasured }) => [variant, isMeasured]), [
    ["twin", false],
    ["twin", false],
  ]);
  assert.deepEqual(notes, [
    "the fixed table chooses 2 of 2 kernels: tuning them would take longer than 50 s",
  ]);
});

Deno.test("tune: an abort ends it after the question under way", async () => {
  const controller = new AbortController();
  const onProgress = ({ done }: TuningState) => done === 1 && controller.abort();
  const { told } = await tuned({ signal: controller.signal, onProgress });
  assert.deepEqual(told.map(([family]) => family), ["double [*, 8] f32", "double [*, 12] f32"]);
});

Deno.test("tune: a call is made up with no more images than told", async () => {
  const gpu = await testGpu();
  for (const [most, wanted] of [[4, 4], [100, 8]] as const) {
    const sizes: number[] = [];
    const { trial, ...question } = doublingOf(gpu, { variants: VARIANTS });
    const watched = (batch: number) => {
      sizes.push(batch);
      return trial(batch);
    };
    const asked = [{ question: { ...question, trial: watched }, times: 1 }];
    await tune(gpu, asked, { effort: "quick", batch: most });
    assert.deepEqual(sizes, [wanted]);
  }
});
