import {
  type CeilingKernel,
  type Gpu,
  type RealType,
  summarise,
  timeOnGpu,
  type TimingOptions,
} from "../../mod.ts";
import type { Autotune } from "../../lib/train/autotune.ts";
import { recordConvolution } from "./convolution_programs.ts";
import { flopOf, nameOf, type UsedConvolution } from "./convolutions.ts";
import { type KernelRow, PASSES } from "./rows.ts";

/** Times the three passes of a convolution, each in turns with the multiply-add ceiling. */
export async function* kernelRows(
  gpu: Gpu,
  convolution: UsedConvolution,
  { batch, dtype, autotune, ceiling, timing }: {
    batch: number;
    dtype: RealType;
    autotune: Autotune | undefined;
    ceiling: CeilingKernel;
    timing: TimingOptions;
  },
): AsyncGenerator<KernelRow> {
  using recorded = await recordConvolution(gpu, convolution, { batch, dtype, autotune });
  const flop = flopOf(convolution, batch);
  for (const pass of PASSES) {
    const works = [recorded.programs[pass], ceiling.program];
    const [seconds = [], ceilingSeconds = []] = await timeOnGpu(gpu, works, timing);
    yield {
      kind: "kernel",
      convolution: nameOf(convolution),
      pass,
      networks: convolution.networks,
      dtype,
      batch,
      variant: recorded.variants[pass],
      ms: summarise(seconds.map((took) => took * 1e3)),
      gflop_per_second: summarise(seconds.map((took) => flop / took / 1e9)),
      gb_per_second: summarise(seconds.map((took) => recorded.bytes / took / 1e9)),
      share: summarise(
        seconds.map((took, turn) => flop / took / (ceiling.amount / (ceilingSeconds[turn] ?? NaN))),
      ),
    };
  }
}
