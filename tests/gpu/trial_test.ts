import assert from "node:assert/strict";
import { Gpu } from "../../lib/gpu/device.ts";
import type { timeOnGpu, TimingOptions } from "../../lib/gpu/timer.ts";
import { fastestVariant, imagesOfTrial } from "../../lib/gpu/trial.ts";
import { doublingOf } from "../support/doubling.ts";
import { smallGpu, testGpu } from "../support/gpu.ts";

const RIGHT = ["plain", "twin", "slow"];

/** A timer that answers from a script, one list of medians a measurement, and keeps what it was asked. */
function scripted(...script: readonly (readonly number[])[]) {
  const calls: { works: number; options: TimingOptions | undefined }[] = [];
  const time: typeof timeOnGpu = (_gpu, works, options) => {
    const medians = script[calls.length] ?? [];
    calls.push({ works: works.length, options });
    return Promise.resolve(medians.map((median) => [9 * median, median, 0.1 * median]));
  };
  return { calls, time };
}

async function choice(
  script: readonly (readonly number[])[],
  { variants = RIGHT, effort = "full" as const }: {
    variants?: readonly string[];
    effort?: "quick" | "full";
  } = {},
) {
  const gpu = await testGpu();
  const before = gpu.bufferCount;
  const { calls, time } = scripted(...script);
  const notes: string[] = [];
  const onNote = (note: string) => void notes.push(note);
  const question = doublingOf(gpu, { variants, fallback: variants.at(-1) ?? "" });
  const variant = await fastestVariant(gpu, question, { effort, time, onNote });
  assert.equal(gpu.bufferCount, before);
  return { variant, notes, calls };
}

Deno.test("fastestVariant: the fastest median wins, and within 3 % the first", async () => {
  const cases = [
    [[3, 2, 1], "slow"],
    [[1, 2, 3], "plain"],
    [[1.02, 1, 1.01], "plain"],
    [[1.04, 1.02, 1], "twin"],
    [[1.04, 1.04, 1], "slow"],
  ] as const;
  for (const [medians, wanted] of cases) {
    const { variant, notes, calls } = await choice([medians]);
    assert.equal(variant, wanted, String(medians));
    assert.deepEqual(notes, []);
    assert.deepEqual(calls, [{ works: 3, options: { samples: 9, seconds: 0.02 } }]);
  }
});

Deno.test("fastestVariant: quick drops at a glance what is 1.5 times slower, and measures the rest", async () => {
  const { variant, calls } = await choice([[1.6, 1.4, 1], [2, 3]], { effort: "quick" });
  assert.equal(variant, "twin");
  assert.deepEqual(calls, [
    { works: 3, options: { samples: 1, seconds: 0 } },
    { works: 2, options: { samples: 3, seconds: 0.003 } },
  ]);
  const clear = await choice([[3, 3, 1]], { effort: "quick" });
  assert.equal(clear.variant, "slow");
  assert.equal(clear.calls.length, 1);
});

Deno.test("fastestVariant: wrong numbers, a compile error and a grid past the limit are left out with a note", async () => {
  const variants = ["plain", "wrong", "undefined", "broken", "greedy", "twin"];
  const { variant, notes, calls } = await choice([[2, 1]], { variants });
  assert.equal(variant, "twin");
  assert.equal(calls[0]?.works, 2);
  const patterns = [
    /^double \[8, 2048\] f32: left out wrong, wrong by 0\.\d+ of the largest value \(at most 0\.0001\)$/,
    /: left out undefined, wrong by NaN of the largest value/,
    /: left out broken: Cannot compile broken\.double .*twice/s,
    /: left out greedy: Cannot dispatch greedy\.double .*: each grid size must be 1 to \d+, found \[100000\]$/,
  ];
  assert.equal(notes.length, patterns.length);
  patterns.forEach((pattern, at) => assert.match(notes[at] ?? "", pattern));
});

Deno.test("fastestVariant: a single right variant is not timed, and without the plain one nothing is found out", async () => {
  const alone = await choice([], { variants: ["plain", "wrong"] });
  assert.deepEqual([alone.variant, alone.calls.length], ["plain", 0]);
  const blind = await choice([], { variants: ["broken", "plain", "twin"] });
  assert.deepEqual([blind.variant, blind.calls.length, blind.notes.length], [null, 0, 1]);
});

Deno.test("fastestVariant: a question's own tolerance counts", async () => {
  const gpu = await testGpu();
  const question = doublingOf(gpu, { variants: ["plain", "wrong"], tolerance: 0.6 });
  const { time } = scripted([2, 1]);
  assert.equal(await fastestVariant(gpu, question, { effort: "full", time }), "wrong");
});

Deno.test("fastestVariant: on the adapter itself, the slow kernel loses; nothing is left behind", async () => {
  const gpu = await testGpu();
  const before = gpu.bufferCount;
  for (const effort of ["quick", "full"] as const) {
    const question = doublingOf(gpu, { variants: ["slow", "plain"], fallback: "slow" });
    assert.equal(await fastestVariant(gpu, question, { effort }), "plain");
  }
  assert.equal(gpu.bufferCount, before);
});

Deno.test("fastestVariant: a tensor larger than a buffer leaves nothing to find out", async () => {
  const gpu = await testGpu();
  const notes: string[] = [];
  const question = doublingOf(gpu, { variants: RIGHT, fallback: "twin", size: 2 ** 31 });
  const onNote = (note: string) => void notes.push(note);
  assert.equal(await fastestVariant(gpu, question, { effort: "quick", onNote }), null);
  assert.match(notes[0] ?? "", /left out plain: Cannot allocate made up: a buffer/);
});

Deno.test("fastestVariant: where memory runs out, nothing is found out, whatever ran before", async () => {
  using gpu = await smallGpu(6.5e6); // what is read and two results
  const notes: string[] = [];
  const onNote = (note: string) => void notes.push(note);
  const { time } = scripted();
  const question = doublingOf(gpu, { variants: RIGHT, size: 2 ** 19, batch: 1 });
  assert.equal(await fastestVariant(gpu, question, { effort: "full", onNote, time }), null);
  assert.equal(notes.length, 1);
  assert.match(
    notes[0] ?? "",
    /^double \[1, 524288\] f32: the fixed table chooses: Cannot .*memory/,
  );
});

Deno.test("fastestVariant: a quick look leaves out what a question says", async () => {
  const gpu = await testGpu();
  const question = { ...doublingOf(gpu, { variants: RIGHT }), quick: ["plain", "slow"] };
  for (const [effort, works] of [["quick", [2, 2]], ["full", [3]]] as const) {
    const { calls, time } = scripted(...works.map((count) => Array(count).fill(1)));
    await fastestVariant(gpu, question, { effort, time });
    assert.deepEqual(calls.map(({ works }) => works), works);
  }
});

Deno.test("fastestVariant: a made-up call has 64 MiB at most", async () => {
  const gpu = await testGpu();
  const question = doublingOf(gpu, { variants: ["plain"], size: 1024, batch: 100_000 });
  assert.equal(imagesOfTrial(question), 2 ** 26 / 8192);
  assert.equal(imagesOfTrial({ ...question, batch: 5 }), 5);
  assert.equal(imagesOfTrial({ ...question, imageBytes: 2 ** 27 }), 1);
  const sizes: number[] = [];
  const trial = (batch: number) => {
    sizes.push(batch);
    return question.trial(1);
  };
  for (const batch of [3, undefined]) {
    const most = batch === undefined ? {} : { batch };
    await fastestVariant(gpu, { ...question, trial }, { effort: "quick", ...most });
  }
  assert.deepEqual(sizes, [3, 2 ** 13]);
});

Deno.test("fastestVariant: a GPU that is lost ends it", async () => {
  using gpu = await Gpu.open();
  const { trial, ...question } = doublingOf(gpu, { variants: RIGHT });
  const lose = (batch: number) => {
    const { inputs, run } = trial(batch);
    const destroyed = (variant: string) => {
      if (variant === "twin") gpu.device.destroy();
      return run(variant);
    };
    return { inputs, run: destroyed };
  };
  await assert.rejects(fastestVariant(gpu, { ...question, trial: lose }, { effort: "quick" }), {
    name: "GpuError",
    message: /lost/,
  });
});
