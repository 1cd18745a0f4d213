import type { Gpu } from "./device.ts";
import { Passes } from "./passes.ts";
import { secondsPerTick } from "./tick.ts";
import { encodeRuns, timestampsOf } from "./timestamps.ts";

/** Something that can be timed: what it appends to compute passes. A {@link Program} is one. */
export interface Timed {
  /** Appends one run. */
  encode(passes: Passes): void;
}

/** How long is measured. */
export interface TimingOptions {
  /** Measurements of each. Default: 5. */
  readonly samples?: number;
  /** The least time of one measurement, in seconds, filled with as many runs as it takes. Default: 0.02. */
  readonly seconds?: number;
  /**
   * The seconds of a tick of the GPU's clock, for times that are only compared with each other. Default: what was
   * measured against the wall clock, once an adapter, in a tenth of a second.
   */
  readonly tick?: number;
}

const MOST_RUNS = 4096;
/** Passes that one query set holds the beginning and the end of. */
const MOST_PASSES = 2048;

/** One measurement: each work's runs in a pass of their own, one submit a work. */
type Measure = (rounds: readonly (readonly number[])[]) => Promise<number[][]>;

/**
 * Times works on the GPU, one after the other in turns, so that noise of the machine hits all alike and measurements
 * of one turn can be compared with each other. With the feature `timestamp-query` the GPU's own clock counts, whose
 * ticks are measured; otherwise the wall clock, less what an empty submit takes.
 *
 * @param works What to time. Every work is run at least twice before it counts.
 * @returns For each work the seconds of one run, a number a turn, in the order of the turns.
 * @throws {RangeError} If `samples` is not at least 1.
 * @example
 * ```ts
 * import { Gpu, Program, scale, timeOnGpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.zeros([4096]);
 * using half = await Program.record(gpu, { label: "half", build: () => scale(x, 0.5) });
 * const [seconds] = await timeOnGpu(gpu, [half], { samples: 3, seconds: 1e-4 });
 * assert.equal(seconds?.length, 3);
 * ```
 */
export async function timeOnGpu(
  gpu: Gpu,
  works: readonly Timed[],
  { samples = 5, seconds = 0.02, tick: given }: TimingOptions = {},
): Promise<number[][]> {
  if (!(Number.isInteger(samples) && samples >= 1)) {
    throw new RangeError(
      `Cannot time on the GPU: wanted a whole number of samples from 1 on, found ${samples}`,
    );
  }
  if (works.length === 0) return [];
  const hasClock = gpu.device.features.has("timestamp-query");
  const tick = given ?? (hasClock ? await secondsPerTick(gpu) : NaN);
  const measure: Measure = (rounds) =>
    hasClock ? byTimestamps(gpu, works, { rounds, tick }) : byWallClock(gpu, works, rounds);
  const once = works.map(() => 1);
  const [, first] = await measure([once, once]);
  const runs = (first ?? []).map((took) =>
    Math.min(MOST_RUNS, Math.max(1, Math.ceil(seconds / Math.max(took, 1e-9))))
  );
  const turns = await measure(Array.from({ length: samples }, () => runs));
  return works.map((_, at) => turns.map((turn) => (turn[at] ?? NaN) / (runs[at] ?? NaN)));
}

async function byTimestamps(
  gpu: Gpu,
  works: readonly Timed[],
  { rounds, tick }: { rounds: readonly (readonly number[])[]; tick: number },
): Promise<number[][]> {
  const passes = rounds.flatMap((runs) => works.map((work, at) => ({ work, runs: runs[at] ?? 1 })));
  const seconds: number[] = [];
  for (let first = 0; first < passes.length; first += MOST_PASSES) {
    const some = passes.slice(first, first + MOST_PASSES);
    const stamps = await timestampsOf(gpu, some, { perSubmit: works.length });
    seconds.push(...stamps.map(({ begin, end }) => Number(end - begin) * tick));
  }
  return rounds.map((_, round) => seconds.slice(round * works.length, (round + 1) * works.length));
}

async function byWallClock(
  gpu: Gpu,
  works: readonly Timed[],
  rounds: readonly (readonly number[])[],
): Promise<number[][]> {
  const { queue } = gpu.device;
  const wall = async (work: Timed, runs: number) => {
    const encoder = gpu.device.createCommandEncoder({ label: "timer" });
    encodeRuns(new Passes(encoder, { label: "timer" }), { work, runs });
    const start = performance.now();
    queue.submit([encoder.finish()]);
    await queue.onSubmittedWorkDone();
    return (performance.now() - start) / 1e3;
  };
  const found: number[][] = [];
  await queue.onSubmittedWorkDone();
  for (const runs of rounds) {
    const idle = await wall({ encode: () => {} }, 1);
    const turn: number[] = [];
    for (const [at, work] of works.entries()) {
      turn.push(Math.max(0, await wall(work, runs[at] ?? 1) - idle));
    }
    found.push(turn);
  }
  await gpu.settled();
  return found;
}
