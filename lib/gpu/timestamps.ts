import type { Gpu } from "./device.ts";
import { Passes } from "./passes.ts";
import type { Timed } from "./timer.ts";

/** A work and how often it runs in one pass. */
export interface TimedPass {
  readonly work: Timed;
  readonly runs: number;
}

/** When a pass began and ended, in ticks of the GPU's clock. */
export interface Stamps {
  readonly begin: bigint;
  readonly end: bigint;
}

/** Appends a work as often as wanted, and ends the pass. */
export function encodeRuns(passes: Passes, { work, runs }: TimedPass): void {
  for (let run = 0; run < runs; run++) work.encode(passes);
  passes.end();
}

/**
 * Runs passes and reads when each began and ended, on a device with the feature `timestamp-query`.
 *
 * @param passes As many as a query set has room for.
 * @param options.perSubmit How many are submitted together.
 */
export async function timestampsOf(
  gpu: Gpu,
  passes: readonly TimedPass[],
  { perSubmit }: { perSubmit: number },
): Promise<Stamps[]> {
  const { device } = gpu;
  const count = 2 * passes.length;
  const querySet = device.createQuerySet({ label: "timer", type: "timestamp", count });
  const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
  const resolved = device.createBuffer({ label: "timer", size: 8 * count, usage });
  const staging = device.createBuffer({
    label: "timer staging",
    size: 8 * count,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  try {
    for (let first = 0; first < passes.length; first += perSubmit) {
      const encoder = device.createCommandEncoder({ label: "timer" });
      passes.slice(first, first + perSubmit).forEach((pass, at) => {
        const beginningOfPassWriteIndex = 2 * (first + at);
        const endOfPassWriteIndex = beginningOfPassWriteIndex + 1;
        const timestampWrites = { querySet, beginningOfPassWriteIndex, endOfPassWriteIndex };
        encodeRuns(new Passes(encoder, { timestampWrites }), pass);
      });
      device.queue.submit([encoder.finish()]);
    }
    const encoder = device.createCommandEncoder({ label: "timer" });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, 8 * count);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const ticks = new BigUint64Array(staging.getMappedRange().slice(0));
    await gpu.settled();
    return passes.map((_, at) => ({ begin: ticks[2 * at] ?? 0n, end: ticks[2 * at + 1] ?? 0n }));
  } finally {
    for (const held of [querySet, resolved, staging]) held.destroy();
  }
}
