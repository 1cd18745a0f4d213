import type { Gpu } from "../../lib/gpu/device.ts";
import { type Dispatch, Kernel } from "../../lib/gpu/kernel.ts";
import { Storage } from "../../lib/gpu/storage.ts";
import { Tensor } from "../../lib/gpu/tensor.ts";

const kernel = new Kernel("hand", "");

/** A tensor without a place, of as many vec4s. */
export function intermediate(gpu: Gpu, { label, quads = 1 }: { label: string; quads?: number }) {
  return new Tensor(gpu, [4 * quads], new Storage(label, 16 * quads));
}

/** A dispatch that a plan may be made of, but not run. */
export function dispatchOf(
  label: string,
  { read = [], write }: { read?: readonly Tensor[]; write: readonly Tensor[] },
): Dispatch {
  return {
    kernel,
    entry: "none",
    label,
    read,
    uniform: [],
    write,
    constants: {},
    grid: [1],
    flop: 0,
  };
}
