import type { Gpu } from "../../lib/gpu/device.ts";
import type { Plan } from "../../lib/gpu/plan.ts";
import { Program } from "../../lib/gpu/program.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { assertSameValues, HALF_TOLERANCE } from "./same_values.ts";

/** The plan of a program whose dispatches are merged, once it has computed the same as without merging. */
export async function mergedPlan(gpu: Gpu, build: () => readonly Tensor[]): Promise<Plan> {
  const texels = false; // nothing that is read through textures is written in place
  using merged = await Program.record(gpu, { label: "merged", build, texels });
  using apart = await Program.record(gpu, { label: "apart", build, texels, fusion: false });
  merged.run();
  apart.run();
  const isHalf = merged.outputs.some(({ dtype }) => dtype === "f16");
  await assertSameValues(
    await gpu.read(merged.outputs),
    await gpu.read(apart.outputs),
    isHalf ? HALF_TOLERANCE : {},
  );
  return merged.plan;
}
