import { bytesMoved, type Dispatch, nameOf } from "./kernel.ts";
import type { Outputs, Program } from "./program.ts";
import { summarise } from "./summary.ts";
import { timeOnGpu } from "./timer.ts";

/** What the dispatches of one entry point of a kernel come to in a program. */
export interface KernelCost {
  /** `kernel.entry`, and what was merged into it. */
  readonly name: string;
  /** The number of dispatches. */
  readonly dispatches: number;
  /** The GPU's time for all, in seconds; `null` where the device has no timestamps. */
  readonly seconds: number | null;
  /** Bytes moved by all, if each dispatch reads or writes each of its tensors once: a lower bound. */
  readonly bytes: number;
  /** Floating-point operations of all; 0 for kernels that only move memory. */
  readonly flop: number;
}

/** Where the time of a program goes. */
export interface Profile {
  /** The GPU's time for the whole program in one pass, in seconds. */
  readonly seconds: number;
  /** The kernels, the longest first; the largest first where there are no times. */
  readonly kernels: readonly KernelCost[];
}

/**
 * Adds up what the dispatches of each kernel cost.
 *
 * @param dispatches The dispatches.
 * @param seconds The time of each, `null` where it is not known.
 */
export function kernelCosts(
  dispatches: readonly Dispatch[],
  seconds: readonly number[] | null,
): KernelCost[] {
  const costs = new Map<string, KernelCost>();
  dispatches.forEach((dispatch, at) => {
    const name = nameOf(dispatch);
    const sum = costs.get(name) ?? { dispatches: 0, seconds: 0, bytes: 0, flop: 0 };
    costs.set(name, {
      name,
      dispatches: sum.dispatches + 1,
      seconds: seconds === null ? null : (sum.seconds ?? 0) + (seconds[at] ?? NaN),
      bytes: sum.bytes + bytesMoved(dispatch),
      flop: sum.flop + dispatch.flop,
    });
  });
  return [...costs.values()].toSorted((a, b) =>
    (b.seconds ?? 0) - (a.seconds ?? 0) || b.bytes - a.bytes
  );
}

/**
 * Runs a recorded program a few times, whole and dispatch by dispatch, each in a pass of its own with timestamps. The
 * dispatches keep their order, so the numbers that flow are those of real runs.
 *
 * @param program The program; it runs about ten times.
 * @param options.samples Times that each dispatch is timed; the median counts. Default: 3.
 * @example
 * ```ts
 * import { add, Gpu, Program, profile, scale } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.zeros([1024]);
 * const build = () => add(scale(x, 2), scale(x, 3));
 * using program = await Program.record(gpu, { label: "five", build });
 * const { kernels } = await profile(program);
 * const scaling = kernels.find(({ name }) => name === "scale.forward");
 * assert.equal(scaling?.dispatches, 2);
 * assert.equal(scaling?.bytes, 2 * 2 * 4096);
 * ```
 */
export async function profile(
  program: Program<Outputs>,
  { samples = 3 }: { samples?: number } = {},
): Promise<Profile> {
  const { gpu, plan } = program;
  const hasTimestamps = gpu.device.features.has("timestamp-query");
  const parts = hasTimestamps ? program.parts : [];
  const times = await timeOnGpu(gpu, [program, ...parts], { samples, seconds: 0 });
  const [seconds = NaN, ...secondsOfParts] = times.map((turns) => summarise(turns).median);
  return {
    seconds,
    kernels: kernelCosts(plan.dispatches, hasTimestamps ? secondsOfParts : null),
  };
}
