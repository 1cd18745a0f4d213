import assert from "node:assert/strict";
import { planMemory } from "../../../lib/gpu/plan.ts";
import type { KernelCost } from "../../../lib/gpu/profiler.ts";
import type { StepProfile } from "../../../lib/train/profile_step.ts";
import { formatProfile } from "../../../tasks/training/profile_text.ts";

function profileWith(kernels: readonly KernelCost[]): StepProfile {
  return {
    seconds: 0.25,
    kernels,
    images: 100,
    plan: { ...planMemory([], new Set()), fused: [] },
    peak: {
      at: 0,
      bytes: 14e6,
      tensors: Array.from({ length: 14 }, (_, at) => {
        return { label: `t${at}`, shape: [at, 2], count: 1, bytes: 1e6 };
      }),
    },
    encodeSeconds: { median: 0.0008, low: 0.0007, high: 0.0009, n: 9 },
    firstStepAt: 1.5,
    ceilings: { flopPerSecond: 100e9, bytesPerSecond: 20e9 },
  };
}

function linesFor(kernels: readonly KernelCost[]): string[] {
  return formatProfile(profileWith(kernels), { title: "A on B", adapter: "Paper" }).split("\n");
}

Deno.test("formatProfile: sums, rates and shares of the ceilings", () => {
  const lines = linesFor([
    { name: "conv.forward", dispatches: 2, seconds: 0.15, bytes: 5e8, flop: 3e9 },
    { name: "add.forward", dispatches: 1, seconds: 0.05, bytes: 5e8, flop: 0 },
  ]);
  assert.deepEqual(lines.slice(0, 12), [
    "A on B, one step of 100 images, on Paper",
    "",
    "dispatches      0, one pass, one submit; 0 of them merged, marked + below",
    "CPU             0.800 ms to encode and submit (median of 9, quartile 0.700; GPU idle)",
    "GPU             250 ms, 400 images/s (by its own clock, in one pass); 200 ms dispatch by dispatch",
    "arithmetic      3.00 GFLOP; 12.0 GFLOP/s, 12.0 % of 100",
    "memory traffic  1.00 GB; 4.00 GB/s, 20.0 % of 20.0",
    "first step      over 1.50 s after the start of the process",
    "",
    "kernel        dispatches  GFLOP   MB    ms   share  GFLOP/s  of ceiling  GB/s  of ceiling",
    "conv.forward           2   3.00  500   150  75.0 %     20.0      20.0 %  3.33      16.7 %",
    "add.forward            1         500  50.0  25.0 %                       10.0      50.0 %",
  ]);
  assert.deepEqual(lines.slice(-3), [
    "t10     [10, 2]      1  1.0",
    "t11     [11, 2]      1  1.0",
    "others               2  2.0",
  ]);
});

Deno.test("formatProfile: without timestamps it says so, and leaves times and rates of kernels out", () => {
  const lines = linesFor([
    { name: "conv.forward", dispatches: 2, seconds: null, bytes: 5e8, flop: 3e9 },
  ]);
  assert.equal(
    lines[4],
    "GPU             250 ms, 400 images/s (by the wall clock)",
  );
  const notice = lines.indexOf(
    "This adapter has no timestamps: the time of each kernel is not known.",
  );
  assert.deepEqual(lines.slice(notice + 2, notice + 4), [
    "kernel        dispatches  GFLOP   MB",
    "conv.forward           2   3.00  500",
  ]);
});
