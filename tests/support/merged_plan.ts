import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { Plan } from "../../lib/gpu/plan.ts";
import { Program } from "../../lib/gpu/program.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";

/** The plan of a program whose dispatches are merged, once it has computed the same bits as without merging. */
export async function mergedPlan(gpu: Gpu, build: () => readonly Tensor[]): Promise<Plan> {
  using merged = await Program.record(gpu, { label: "merged", build });
  using apart = await Program.record(gpu, { label: "apart", build, fusion: false });
  merged.run();
  apart.run();
  assert.deepEqual(await gpu.read(merged.outputs), await gpu.read(apart.outputs));
  return merged.plan;
}
