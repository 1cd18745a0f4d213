import { encode } from "./compiler.ts";
import type { Gpu } from "./device.ts";
import { boundTensors, bytesMoved, type Dispatch } from "./kernel.ts";
import type { Passes } from "./passes.ts";
import { timeOnGpu } from "./timer.ts";

/** Dispatches that run one after the other, again and again. */
export interface Load {
  /** The dispatches. */
  readonly dispatches: readonly Dispatch[];
  /** How often they run. */
  readonly times: number;
}

/** What loads take. */
export interface LoadTimes {
  /** Of each load the seconds of one run of its dispatches. */
  readonly seconds: readonly number[];
  /** The number of different dispatches. */
  readonly shapes: number;
  /** How many of them were timed. */
  readonly timed: number;
  /** The part of all work, from 0 to 1, that was timed. */
  readonly share: number;
}

/** All dispatches of one kernel, constants and grid. */
interface Shape {
  readonly dispatch: Dispatch;
  readonly work: number;
  total: number;
  seconds: number | null;
}

/** How many operations a moved byte counts for. It orders the shapes and scales those that are not timed, no more. */
const FLOP_PER_BYTE = 8;
const ENOUGH_SECONDS = 0.005;

/**
 * Times loads by their dispatches: each shape once, whichever loads share it, those with the most work of all first,
 * until the time is up. What is left is scaled by its work from the shapes of the same kernel that were timed, or from
 * all of them. Dispatches run in buffers of zeros of their own, so their tensors need not be alive.
 *
 * @param loads At least one dispatch.
 * @param options.seconds When no other shape is begun; one is timed in any case.
 * @example
 * ```ts
 * import { Gpu, planProgram, scale, timeLoads } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.zeros([4096]);
 * const { dispatches } = planProgram(gpu, { build: () => scale(x, 2) }).plan;
 * const { seconds, share } = await timeLoads(gpu, [{ dispatches, times: 1 }], { seconds: 1 });
 * assert.ok(seconds.length === 1 && share === 1);
 * ```
 */
export async function timeLoads(
  gpu: Gpu,
  loads: readonly Load[],
  { seconds }: { seconds: number },
): Promise<LoadTimes> {
  const until = performance.now() + 1000 * seconds;
  const shapes = shapesOf(loads);
  const timed: Shape[] = [];
  for (const shape of [...shapes.values()].toSorted((a, b) => b.total - a.total)) {
    if (timed.length > 0 && performance.now() > until) break;
    shape.seconds = await secondsOf(gpu, shape.dispatch);
    timed.push(shape);
  }
  const scaled = scaleFrom(timed);
  const sum = (some: Iterable<Shape>) =>
    Array.from(some).reduce((sum, { total }) => sum + total, 0);
  return {
    seconds: loads.map(({ dispatches }) =>
      dispatches.reduce((sum, dispatch) => {
        const shape = shapes.get(keyOf(dispatch));
        return sum + (shape === undefined ? NaN : shape.seconds ?? scaled(shape));
      }, 0)
    ),
    shapes: shapes.size,
    timed: timed.length,
    share: sum(timed) / sum(shapes.values()),
  };
}

function shapesOf(loads: readonly Load[]): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  for (const { dispatches, times } of loads) {
    for (const dispatch of dispatches) {
      const key = keyOf(dispatch);
      const work = dispatch.flop + FLOP_PER_BYTE * bytesMoved(dispatch);
      const shape = shapes.get(key) ?? { dispatch, work, total: 0, seconds: null };
      shape.total += times * work;
      shapes.set(key, shape);
    }
  }
  return shapes;
}

function keyOf({ label, grid }: Dispatch): string {
  return `${label} ${grid.join("x")}`;
}

function scaleFrom(timed: readonly Shape[]): (shape: Shape) => number {
  const rateOf = (shapes: readonly Shape[]) =>
    shapes.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) /
    shapes.reduce((sum, { work }) => sum + work, 0);
  const kernelOf = ({ dispatch: { kernel, entry } }: Shape) => `${kernel.name}.${entry}`;
  const byKernel = Map.groupBy(timed, kernelOf);
  return (shape) => shape.work * rateOf(byKernel.get(kernelOf(shape)) ?? timed);
}

async function secondsOf(gpu: Gpu, dispatch: Dispatch): Promise<number> {
  using made = new DisposableStack();
  for (const { storage: { root } } of boundTensors(dispatch)) {
    if (!root.isPlaceless && !root.isFreed) continue;
    gpu.createBuffer(root);
    made.defer(() => gpu.free(root));
  }
  const bound = gpu.bind(dispatch);
  const work = { encode: (passes: Passes) => encode(passes, [bound]) };
  const [turns = []] = await timeOnGpu(gpu, [work], { samples: 1, seconds: ENOUGH_SECONDS });
  return turns[0] ?? NaN;
}
