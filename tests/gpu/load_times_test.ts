import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { Dispatch } from "../../lib/gpu/kernel.ts";
import { timeLoads } from "../../lib/gpu/load_times.ts";
import { planProgram } from "../../lib/gpu/program.ts";
import { scale } from "../../lib/ops/scale.ts";
import { testGpu } from "../support/gpu.ts";

/** The dispatches that scale vectors, whose tensors are gone. */
function scaling(gpu: Gpu, ...sizes: readonly number[]): readonly Dispatch[] {
  return sizes.flatMap((size) => {
    using x = gpu.zeros([size], { label: `x of ${size}` });
    return planProgram(gpu, { build: () => scale(x, 2) }).plan.dispatches;
  });
}

Deno.test("timeLoads: a shape that loads share is timed once, in buffers that are freed", async () => {
  const gpu = await testGpu();
  const loads = [
    { dispatches: scaling(gpu, 2 ** 12, 2 ** 14), times: 1 },
    { dispatches: scaling(gpu, 2 ** 14, 2 ** 14), times: 1 },
  ];
  const before = gpu.bufferCount;
  const { seconds: [first = NaN, second = NaN], ...rest } = await timeLoads(gpu, loads, {
    seconds: 60,
  });
  assert.deepEqual(rest, { shapes: 2, timed: 2, share: 1 });
  assert.ok(first > 0 && second > 0 && second < 2 * first);
  assert.equal(gpu.bufferCount, before);
});

Deno.test("timeLoads: without time the shape of the most work is timed, and the rest is scaled", async () => {
  const gpu = await testGpu();
  const [small, large] = [2 ** 12, 2 ** 14];
  // Run often, the small one is the most work of all.
  for (const [times, timed] of [[1, large], [100, small]] as const) {
    const loads = [
      { dispatches: scaling(gpu, small), times },
      { dispatches: scaling(gpu, large), times: 1 },
      { dispatches: scaling(gpu, small, large), times: 0 },
    ];
    const found = await timeLoads(gpu, loads, { seconds: 0 });
    assert.deepEqual([found.shapes, found.timed], [2, 1]);
    const all = times * small + large;
    const share = timed === small ? times * small / all : large / all;
    assert.ok(Math.abs(found.share - share) < 1e-9);
    const [one = NaN, four = NaN, five = NaN] = found.seconds;
    assert.ok(one > 0);
    assert.ok(Math.abs(four / one - 4) < 1e-9 && Math.abs(five / one - 5) < 1e-9);
  }
});
