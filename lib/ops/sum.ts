import subgroupSource from "../../kernels/subgroup_sum.wgsl" with { type: "text" };
import source from "../../kernels/sum.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import {
  type Dispatch,
  type DispatchOptions,
  gridFor,
  Kernel,
  type Merged,
  type Pair,
  split,
} from "../gpu/kernel.ts";
import { padded, quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { broadcast } from "./broadcast.ts";
import { lanesOf } from "./lanes.ts";
import { factorOf, scale } from "./scale.ts";
import { storedQuads, wantReal, wantSamples } from "./shapes.ts";

const SIZES = ["quads", "rows", "chunk"];
const kernel = new Kernel("sum", source, SIZES);
const subgroupKernel = new Kernel("subgroup_sum", subgroupSource, SIZES);

const MOST_LANES = 64;

/** How a workgroup finishes a sum: through subgroups where the device has them, otherwise in a tree. */
function finishing(gpu: Gpu): { finish: Kernel; lanes: number } {
  return {
    finish: gpu.hasSubgroups ? subgroupKernel : kernel,
    lanes: Math.min(MOST_LANES, lanesOf(gpu)),
  };
}

/**
 * What a sum leaves: `channels` adds everything but the last dimension and gives `[channels]`, `samples` everything but
 * the first and gives `[batch]`, `none` everything and gives a scalar.
 */
export type Keep = "channels" | "samples" | "none";

/**
 * Adds up a tensor, in a fixed order.
 *
 * @param x A tensor of any shape and layout.
 * @param options.keep What is left.
 * @returns `[channels]`, `[batch]` or `[]`, float32 even where x is in half precision.
 * @throws {TypeError} If samples are kept and x has fewer than two dimensions.
 * @example
 * ```ts
 * import { Gpu, sum } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([1, 2, 3, 4], [2, 2]);
 * assert.deepEqual([...await sum(x, { keep: "channels" }).read()], [4, 6]);
 * assert.deepEqual([...await sum(x, { keep: "samples" }).read()], [3, 7]);
 * assert.deepEqual([...await sum(x, { keep: "none" }).read()], [10]);
 * ```
 */
export function sum(x: Tensor, { keep }: { keep: Keep }): Tensor {
  const dtype = wantReal(x, "sum");
  const y = keep === "channels" ? sumColumns(x) : keep === "samples" ? sumSamples(x) : sumAll(x);
  return record({
    name: "sum",
    inputs: [x],
    output: y,
    vjp: (dy) => [broadcast(dy, x.shape, { keep, layout: x.layout, dtype })],
  });
}

/**
 * The mean of all elements of a tensor.
 *
 * @param x A tensor of any shape and layout.
 * @returns A scalar, float32 even where x is in half precision.
 * @example
 * ```ts
 * import { Gpu, mean } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * assert.deepEqual([...await mean(gpu.tensor([1, 2, 3, 6], [4])).read()], [3]);
 * ```
 */
export function mean(x: Tensor): Tensor {
  return scale(sum(x, { keep: "none" }), 1 / x.size);
}

function sumColumns(x: Tensor): Tensor {
  const channels = x.shape.at(-1) ?? 1;
  const quads = quadsOf(channels);
  const rows = storedQuads(x) / quads;
  const y = x.gpu.empty([channels], { label: "sum.y" });
  if (rows <= FEW_ROWS) {
    sumTree(x, y, { rows });
    return y;
  }
  const { chunk, chunks } = split(rows, { least: 64, most: 256 });
  const partial = x.gpu.empty([chunks, channels], { label: "sum.partial" });
  kernel.dispatch("columns", {
    read: [x],
    write: [partial],
    constants: { rows, quads, chunk },
    grid: gridFor(quads * chunks, 64),
  });
  finishColumns(partial, y, { rows: chunks });
  return y;
}

/** Rows that one workgroup a vec4 of channels adds up by itself. */
const FEW_ROWS = 512;

function sumTree(x: Tensor, y: Tensor, { rows }: { rows: number }): void {
  const quads = storedQuads(y);
  const { finish, lanes } = finishing(y.gpu);
  finish.dispatch("columns_finish", {
    read: [x],
    write: [y],
    constants: { rows, quads, chunk: 1, lanes },
    grid: [quads],
  });
}

const SERIAL_QUADS = 256;

/** Workgroups that add up columns: on a card, sixteen invocations share the rows of a vec4. */
function columnLanes({ adapter }: Gpu): { lanes: number; deep: number } {
  return adapter.isSoftware ? { lanes: 64, deep: 1 } : { lanes: 256, deep: 16 };
}

/**
 * Adds `rows` slices of the size of `y` that lie one after the other in `partial`: side by side where y has enough vec4s
 * to keep a device busy, in a tree where it has few.
 */
export function finishColumns(partial: Tensor, y: Tensor, { rows }: { rows: number }): void {
  const quads = storedQuads(y);
  if (quads < SERIAL_QUADS) {
    sumTree(partial, y, { rows });
    return;
  }
  const { lanes, deep } = columnLanes(y.gpu);
  kernel.dispatch("columns", {
    read: [partial],
    write: [y],
    constants: { rows, quads, chunk: rows, lanes, deep },
    grid: gridFor(quads, lanes / deep),
    fusion: { beside: columnsTogether },
  });
}

/** The words in the entry points' names, by how many sums they make. */
const TOGETHER = new Map([[2, "two"], [4, "four"]]);

/**
 * The sums of two dispatches in one, of as many each: alone, then in pairs. The constants that each sum has of its own
 * are numbered from the second on.
 */
function joined(
  [earlier, later]: readonly [Dispatch, Dispatch],
  { form, own }: { form: string; own: readonly string[] },
): Merged & Pick<DispatchOptions, "write"> | null {
  const word = TOGETHER.get(2 * later.read.length);
  if (word === undefined || earlier.kernel !== later.kernel || earlier.entry !== later.entry) {
    return null;
  }
  const numbered = own.flatMap((name) =>
    [earlier, later]
      .flatMap(({ read, constants }) => read.map((_, at) => constants[`${name}${at || ""}`] ?? 1))
      .map((value, at) => [`${name}${at || ""}`, value] as const)
  );
  return {
    entry: `${word}_${form}`,
    read: [...earlier.read, ...later.read],
    write: [...earlier.write, ...later.write],
    constants: { ...later.constants, ...Object.fromEntries(numbered), chunk: 0 },
  };
}

function columnsTogether(earlier: Dispatch, later: Dispatch): Merged | null {
  const merged = joined([earlier, later], { form: "columns", own: ["rows", "quads"] });
  if (merged === null) return null;
  const quads = merged.write.reduce((total, y) => total + storedQuads(y), 0);
  const { lanes = NaN, deep = NaN } = later.constants;
  return { ...merged, grid: gridFor(quads, lanes / deep) };
}

function rowsTogether(earlier: Dispatch, later: Dispatch): Merged | null {
  const merged = joined([earlier, later], { form: "rows", own: ["quads", "factor"] });
  return merged === null ? null : { ...merged, grid: [merged.write.length] };
}

function sumRows(x: Tensor, { y, rows, chunk }: { y: Tensor; rows: number; chunk: number }): void {
  const { finish, lanes } = finishing(y.gpu);
  finish.dispatch("row", {
    read: [x],
    write: [y],
    constants: { rows, quads: storedQuads(x), chunk, lanes },
    grid: gridFor(padded(rows), 1),
    fusion: { absorb: scaleStore, ...(rows === 1 ? { beside: rowsTogether } : {}) },
  });
}

/** Multiplies the sums before they are stored. */
function scaleStore({ producer: { constants }, consumer }: Pair): Merged | null {
  const factor = factorOf(consumer);
  if (factor === null || constants["factor"] !== undefined) return null;
  return { write: consumer.write, constants: { ...constants, factor } };
}

function sumSamples(x: Tensor): Tensor {
  wantSamples(x.shape, "sum");
  const rows = x.shape[0] ?? 1;
  const y = x.gpu.empty([rows], { label: "sum.y" });
  sumRows(x, { y, rows, chunk: storedQuads(x) / rows });
  return y;
}

function sumAll(x: Tensor): Tensor {
  const quads = storedQuads(x);
  const { chunk, chunks } = split(quads, { least: 256, most: 256 });
  const y = x.gpu.empty([], { label: "sum.y" });
  const partial = chunks === 1 ? y : x.gpu.empty([chunks], { label: "sum.partial" });
  sumRows(x, { y: partial, rows: chunks, chunk });
  if (chunks > 1) sumRows(partial, { y, rows: 1, chunk: storedQuads(partial) });
  return y;
}
