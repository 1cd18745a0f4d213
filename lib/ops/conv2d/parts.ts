import type { Split } from "../../gpu/kernel.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { finishColumns } from "../sum.ts";

/** Lets `run` write a weight gradient in parts, and adds them up; a single part is the gradient itself. */
export function runParts(
  dw: Tensor,
  { chunks }: Split,
  run: (partial: Tensor) => void,
): void {
  if (chunks === 1) return run(dw);
  const partial = dw.gpu.empty([chunks, dw.storage.bytes / 4], { label: "conv2d.partial" });
  run(partial);
  finishColumns(partial, dw, { rows: chunks });
}
