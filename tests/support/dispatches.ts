import type { Gpu } from "../../lib/gpu/device.ts";
import { type Dispatch, type Fusion, Kernel } from "../../lib/gpu/kernel.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";

/** A tensor without a place, of as many vec4s. */
export function intermediate(gpu: Gpu, { label, quads = 1 }: { label: string; quads?: number }) {
  return gpu.intermediate([4 * quads], { label });
}

/** A dispatch that a plan may be made of, but not run. */
export function dispatchOf(
  label: string,
  { read = [], write, fusion = {} }: {
    read?: readonly Tensor[];
    write: readonly Tensor[];
    fusion?: Fusion;
  },
): Dispatch {
  const kernel = new Kernel(label, "");
  return { ...kernel.prepare("run", { read, write, grid: [1], fusion }), label };
}
