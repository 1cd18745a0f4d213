import assert from "node:assert/strict";
import { peakOf } from "../../lib/gpu/peak.ts";
import { planMemory } from "../../lib/gpu/plan.ts";
import { dispatchOf, intermediate } from "../support/dispatches.ts";
import { testGpu } from "../support/gpu.ts";

Deno.test("peakOf: the dispatch with most bytes alive, its tensors grouped, the largest first", async () => {
  const gpu = await testGpu();
  const out = gpu.zeros([4]);
  const tensor = (label: string, quads: number) => intermediate(gpu, { label, quads });
  const [a, b, c, d] = [tensor("small", 1), tensor("pair", 2), tensor("pair", 2), tensor("big", 3)];
  const plan = planMemory([
    dispatchOf("0", { write: [a] }),
    dispatchOf("1", { read: [a], write: [b] }),
    dispatchOf("2", { read: [b], write: [c] }),
    dispatchOf("3", { read: [b, c], write: [d] }),
    dispatchOf("4", { read: [d], write: [out] }),
  ], new Set());
  assert.deepEqual(peakOf(plan), {
    at: 3,
    bytes: 16 * (2 + 2 + 3),
    tensors: [
      { label: "pair", shape: [8], count: 2, bytes: 64 },
      { label: "big", shape: [12], count: 1, bytes: 48 },
    ],
  });
});

Deno.test("peakOf: a plan without intermediate tensors has nothing alive", async () => {
  const gpu = await testGpu();
  const [x, y] = [gpu.zeros([4]), gpu.zeros([4])];
  const plan = planMemory([dispatchOf("0", { read: [x], write: [y] })], new Set());
  assert.deepEqual(peakOf(plan), { at: 0, bytes: 0, tensors: [] });
});
