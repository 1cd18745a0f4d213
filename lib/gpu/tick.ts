import { arithmeticCeiling } from "./ceilings.ts";
import type { Gpu } from "./device.ts";
import type { Timed } from "./timer.ts";
import { timestampsOf } from "./timestamps.ts";

/** What most clocks tick in, by their makers' word. */
export const NANOSECOND = 1e-9;
/** What the clocks are compared over, in seconds. */
const ENOUGH_SECONDS = 0.1;

/** What was found out of adapters. */
const known = new Map<string, Promise<number>>();

/**
 * The seconds of a tick of an adapter's clock. WebGPU has nanoseconds, but Deno hands on the ticks that the driver
 * counts (52 or 83 ns on Intel, 10 on AMD) and not how long they are: so the clock is held against the wall clock once
 * an adapter, over a program of a tenth of a second. A tick of about a nanosecond is one.
 */
export function secondsPerTick(gpu: Gpu): Promise<number> {
  const { identity } = gpu.adapter;
  const found = known.get(identity) ?? measureTick(gpu);
  known.set(identity, found);
  return found;
}

async function measureTick(gpu: Gpu): Promise<number> {
  using kernel = await arithmeticCeiling(gpu);
  for (let runs = 1;; runs *= 2) {
    const first = await beginningOf(gpu, { work: kernel.program, runs });
    const second = await beginningOf(gpu, { work: kernel.program, runs: 1 });
    const seconds = second.wall - first.wall;
    if (seconds < ENOUGH_SECONDS) continue;
    const tick = seconds / Number(second.ticks - first.ticks);
    return tick > NANOSECOND / 2 && tick < NANOSECOND * 2 ? NANOSECOND : tick;
  }
}

/** When a pass begins, by both clocks: what it takes to begin is the same each time, and drops out of differences. */
async function beginningOf(
  gpu: Gpu,
  pass: { work: Timed; runs: number },
): Promise<{ wall: number; ticks: bigint }> {
  const wall = performance.now() / 1e3;
  const [stamps] = await timestampsOf(gpu, [pass], { perSubmit: 1 });
  return { wall, ticks: stamps?.begin ?? 0n };
}
