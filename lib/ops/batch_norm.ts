import source from "../../kernels/batch_norm.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Extended, gridFor, Kernel, type Merged, type Pair, split } from "../gpu/kernel.ts";
import { quadsOf } from "../gpu/layout.ts";
import type { Meeting } from "../gpu/meeting.ts";
import { Tensor } from "../gpu/tensor.ts";
import { record, withoutGradients } from "../tape.ts";
import { type Cuts, differentiableGradient } from "./batch_norm_gradient.ts";
import { broadcast } from "./broadcast.ts";
import { addAndRectifyInStore, addInStore } from "./epilogue.ts";
import { copyInto } from "./copy.ts";
import { inverseSqrt } from "./inverse_sqrt.ts";
import { bestTile, tileSizes } from "./conv2d/tile.ts";
import { lanesOf } from "./lanes.ts";
import { multiply } from "./multiply.ts";
import { gateOf } from "./relu.ts";
import { scale } from "./scale.ts";
import { fourSizes, wantShape } from "./shapes.ts";
import { subtract } from "./subtract.ts";
import { sum } from "./sum.ts";

const kernel = new Kernel("batch_norm", source, [
  "rows",
  "all_rows",
  "quads",
  "channels",
  "chunk",
  "parts",
  "part",
]);

/** The tensors of a batch normalisation, each `[channels]`. */
export interface BatchNormParameters {
  /** The scale. */
  readonly weight: Tensor;
  /** The shift. */
  readonly bias: Tensor;
  /** The running mean: written in training, read in evaluation. */
  readonly runningMean: Tensor;
  /** The running variance, unbiased: written in training, read in evaluation. */
  readonly runningVariance: Tensor;
}

/** How a batch normalisation runs. */
export interface BatchNormOptions extends BatchNormParameters {
  /** Whether to normalise with the batch's statistics and update the running ones. */
  readonly training: boolean;
  /** How far the running statistics move. Default: 0.1. */
  readonly momentum?: number;
  /** What is added to the variance. Default: 1e-5. */
  readonly epsilon?: number;
}

/** A batch normalisation that has been dispatched, as its vjp needs it. */
interface Normalised extends BatchNormOptions {
  readonly x: Tensor;
  readonly rows: number;
  readonly epsilon: number;
  readonly cuts: Cuts;
  /** Mean and deviation, `[2, channels]`; `null` where the running ones were used. */
  readonly statistics: Tensor | null;
}

/**
 * Batch normalisation ({@link https://arxiv.org/abs/1502.03167 | Ioffe & Szegedy 2015}) over batch and pixels, as
 * PyTorch's: the biased variance normalises, the unbiased one goes into the running variance.
 *
 * @param x Activations, `[batch, height, width, channels]`.
 * @returns Activations of x's shape.
 * @throws {TypeError} If the shapes do not fit.
 * @throws {RangeError} If in training there is only one value a channel.
 * @example
 * ```ts
 * import { batchNorm, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const y = batchNorm(gpu.tensor([1, 3], [2, 1, 1, 1]), {
 *   weight: gpu.tensor([1], [1]),
 *   bias: gpu.tensor([0], [1]),
 *   runningMean: gpu.zeros([1]),
 *   runningVariance: gpu.tensor([1], [1]),
 *   training: true,
 *   epsilon: 0,
 * });
 * assert.deepEqual([...await y.read()], [-1, 1]);
 * ```
 */
export function batchNorm(
  x: Tensor,
  options: BatchNormOptions,
): Tensor {
  const { weight, bias, runningMean, runningVariance, training, epsilon = 1e-5 } = options;
  const [batch, height, width, channels] = fourSizes(x, "normalise x");
  for (const tensor of [weight, bias, runningMean, runningVariance]) {
    wantShape(tensor, [channels], "normalise x");
  }
  const rows = batch * height * width;
  if (training && (x.gpu.synchroniser?.rowsOfAll(rows) ?? rows) === 1) {
    throw new RangeError(
      "Cannot normalise x in training: wanted more than one value a channel, found 1",
    );
  }
  const cuts = cutsOf(x, { rows, quads: quadsOf(channels) });
  const y = x.gpu.empty(x.shape, { label: "batch_norm.y", dtype: x.dtype });
  const given = { ...options, x, rows, epsilon, cuts };
  const statistics = training ? normaliseBatch(given, y) : null;
  if (statistics === null) {
    kernel.dispatch("normalise", {
      read: [x, runningMean, runningVariance, weight, bias, bias],
      write: [y],
      constants: { ...cuts.needsSums.constants, channels, epsilon },
      grid: cuts.needsSums.grid,
      fusion: { absorb: addAndRectifyInStore, inPlace: 0 },
    });
  }
  const normalised = { ...given, statistics };
  return record({
    name: "batchNorm",
    inputs: [x, weight, bias],
    output: y,
    vjp: (dy, [needsX]) => {
      const { dx, dweight, dbias } = gradientsOf(dy, normalised);
      return [needsX ? dx : null, dweight, dbias];
    },
    differentiableVjp: (dy, needs) => differentiableVjp(dy, { normalised, needs }),
  });
}

const MOST_QUADS = 4;

/** The least power of two from `least` on that is not below a value. */
function powerOfTwo(value: number, { least }: { least: number }): number {
  let power = least;
  while (power < value) power *= 2;
  return power;
}

/**
 * Rows of a part, unless there are too many parts: those of a tile whose moments a convolution makes in its store, of
 * rows.wgsl on a software adapter, of gemm.wgsl on any other.
 */
function tileRows({ adapter }: Gpu, { rows, quads }: { rows: number; quads: number }): number {
  if (adapter.isSoftware) return 512;
  const channels = 4 * quads;
  return tileSizes({ rows, channels, tile: bestTile(channels) }).pixels;
}

/**
 * Cuts rows and quads into workgroups. Each of those that need the sums adds up all parts, so parts times workgroups must
 * stay well below the rows: a software adapter is busy with few workgroups, any other wants many. A part is one of those
 * tiles, or a whole number of them.
 */
function cutsOf({ gpu }: Tensor, { rows, quads }: { rows: number; quads: number }): Cuts {
  const lanes = lanesOf(gpu);
  const { isSoftware } = gpu.adapter;
  const mostParts = isSoftware ? 1024 : 256;
  const most = isSoftware ? 32 : 512;
  const width = powerOfTwo(Math.min(quads, MOST_QUADS), { least: 1 });
  const part = powerOfTwo(rows / mostParts, { least: tileRows(gpu, { rows, quads }) });
  const parts = Math.ceil(rows / part);
  const { chunk, chunks } = split(rows, { least: Math.max(64, lanes / width), most });
  const constants = { rows, quads, width, lanes };
  const columns = Math.ceil(quads / width);
  return {
    parts,
    part,
    sums: { constants: { ...constants, chunk: part }, grid: [parts, columns] },
    needsSums: { constants: { ...constants, chunk, parts }, grid: [chunks, columns] },
  };
}

/** Writes y with the batch's statistics, and returns these. */
function normaliseBatch(
  { x, rows, weight, bias, runningMean, runningVariance, epsilon, momentum = 0.1, cuts }: Omit<
    Normalised,
    "statistics"
  >,
  y: Tensor,
): Tensor {
  const { gpu } = x;
  const { constants, grid } = cuts.needsSums;
  const channels = weight.size;
  const own = gpu.empty([cuts.parts, 2, channels], { label: "batch_norm.moments" });
  const statistics = gpu.empty([2, channels], { label: "batch_norm.statistics" });
  kernel.dispatch("moments", { read: [x], write: [own], ...cuts.sums });
  const { parts, part, ...all } = momentsOfAll(own, { rows, cuts });
  kernel.dispatch("normalise_batch", {
    read: [x, parts, bias, weight, x],
    write: [y, statistics, runningMean, runningVariance],
    constants: { ...constants, all_rows: all.rows, part, channels, momentum, epsilon },
    grid,
    meeting: all.meeting,
    fusion: { absorb: addAndRectifyInStore },
  });
  return statistics;
}

/** What a dispatch adds up, after it has met other ranks where there are some. */
interface OfAll {
  readonly parts: Tensor;
  /** The rows of all ranks. */
  readonly rows: number;
  readonly meeting: Meeting | null;
}

/** The moments of all ranks as a single part, where they are synchronised. */
function momentsOfAll(
  own: Tensor,
  { rows, cuts: { part, sums } }: { rows: number; cuts: Cuts },
): OfAll & { part: number } {
  const { synchroniser } = own.gpu;
  if (synchroniser === null) return { parts: own, part, rows, meeting: null };
  const meeting = synchroniser.moments(own.shape[2] ?? 0, rows);
  kernel.dispatch("merge_moments", {
    read: [own, own], // x's binding is the first
    write: [meeting.tensor],
    constants: { ...sums.constants, chunk: rows, part },
    grid: [1, sums.grid[1] ?? 1],
  });
  return { parts: meeting.tensor, part: rows, rows: synchroniser.rowsOfAll(rows), meeting };
}

/** The sums of this rank and of the others, two parts, where they are synchronised. */
function sumsOfAll(own: Tensor, rows: number): OfAll {
  const { gpu, shape: [parts = 1, , channels = 1], storage } = own;
  if (gpu.synchroniser === null) return { parts: own, rows, meeting: null };
  const meeting = gpu.synchroniser.sums(channels);
  const flat = new Tensor(gpu, [parts, 8 * quadsOf(channels)], storage);
  copyInto(sum(flat, { keep: "channels" }), meeting.tensor, { offset: 0 });
  return { parts: meeting.tensor, rows: gpu.synchroniser.rowsOfAll(rows), meeting };
}

/**
 * How a producer makes the moments of its first result as it stores it, for a batch normalisation that reads it. Its
 * kernel has an entry point `..._with_moments`, which writes them next: a mean and a sum of squared deviations of every
 * `tile` rows, `[tiles, 2, channels]`. Where batch norm wants larger parts, a pass merges those.
 *
 * @param options.tile Rows of a part; the last may have fewer.
 */
export function momentsInStore(
  { producer, consumer }: Pair,
  { tile }: { tile: number },
): Extended | null {
  const { entry, write: [y] } = producer;
  const { write: [parts], constants: { rows = 0, chunk = 0 } } = consumer;
  if (!kernel.runs(consumer, "moments") || chunk % tile !== 0) return null;
  if (y === undefined || parts === undefined) return null;
  const extended = (moments: Tensor) => ({
    entry: `${entry}_with_moments`,
    write: [y, moments],
  });
  if (chunk === tile) return { producer: extended(parts), rest: null };
  const finer = parts.gpu.intermediate([Math.ceil(rows / tile), ...parts.shape.slice(1)], {
    label: "batch_norm.finer_moments",
  });
  const rest = {
    entry: "merge_moments",
    read: [finer, finer], // x's binding is the first
    constants: { ...consumer.constants, part: tile },
  };
  return { producer: extended(finer), rest };
}

/** Mean and deviation of the running statistics, as the vjp reads them. */
function frozenStatistics({ runningMean, runningVariance, epsilon }: Normalised): Tensor {
  const { gpu, size } = runningMean;
  const statistics = gpu.empty([2, size], { label: "batch_norm.statistics" });
  const quads = quadsOf(size);
  kernel.dispatch("freeze", {
    read: [runningMean, runningVariance],
    write: [statistics],
    constants: { rows: 1, quads, channels: size, epsilon },
    grid: gridFor(quads, 128),
  });
  return statistics;
}

function gradientsOf(
  dy: Tensor,
  normalised: Normalised,
): { dx: Tensor; dweight: Tensor; dbias: Tensor } {
  const { x, rows, weight, bias, training, cuts } = normalised;
  const { gpu, shape: channels } = weight;
  const statistics = normalised.statistics ?? frozenStatistics(normalised);
  const own = gpu.empty([cuts.parts, 2, ...channels], { label: "batch_norm.sums" });
  kernel.dispatch("vjp_sums", {
    read: [x, statistics, dy, weight, bias],
    write: [own],
    ...cuts.sums,
    fusion: { inline: gateLoad },
  });
  const all = training ? sumsOfAll(own, rows) : { parts: own, rows, meeting: null };
  const dx = gpu.empty(x.shape, { label: "batch_norm.dx", dtype: x.dtype });
  const dbias = gpu.empty(channels, { label: "batch_norm.dbias" });
  const dweight = gpu.empty(channels, { label: "batch_norm.dweight" });
  kernel.dispatch("vjp", {
    read: [x, statistics, dy, weight, bias, all.parts, x],
    write: [dx, dbias, dweight],
    constants: {
      ...cuts.needsSums.constants,
      ...(all.meeting === null ? {} : { parts: 2, synced: 1 }),
      all_rows: all.rows,
      training: training ? 1 : 0,
    },
    grid: cuts.needsSums.grid,
    meeting: all.meeting,
    fusion: { inline: gateLoad, absorb: addInStore, inPlace: 2 },
  });
  return { dx, dweight, dbias };
}

/** Gates the upstream gradient as it is loaded, where the gate is a rectifier of this normalisation's result. */
function gateLoad({ producer, consumer, through, writerOf }: Pair): Merged | null {
  const gate = gateOf(producer);
  if (gate === null || consumer.constants["gated"] === 1) return null;
  const forward = writerOf(gate.open);
  if (forward === null || !kernel.runs(forward, "normalise_batch")) return null;
  if (forward.constants["rectified"] !== 1 || forward.constants["added"] === 1) return null;
  const [x, , bias, weight] = forward.read;
  const made = [x, forward.write[1], weight, bias];
  const [ownX, statistics, , ownWeight, ownBias] = consumer.read;
  const own = [ownX, statistics, ownWeight, ownBias];
  if (!made.every((tensor, at) => tensor?.storage === own[at]?.storage)) return null;
  return {
    read: consumer.read.map((tensor) => tensor.storage === through.storage ? gate.dy : tensor),
    constants: { ...consumer.constants, gated: 1 },
  };
}

/** The same products with a history; what nobody needs is not computed. */
function differentiableVjp(
  dy: Tensor,
  { normalised, needs: [needsX, ...needsParameters] }: {
    normalised: Normalised;
    needs: readonly boolean[];
  },
): (Tensor | null)[] {
  const { x, weight, statistics, cuts } = normalised;
  if (statistics !== null && x.gpu.synchroniser !== null) {
    throw new RangeError(
      "Cannot take the gradient of a gradient: batch normalisation must have each rank's statistics, found those of all ranks",
    );
  }
  const parameters = needsParameters.includes(true) ? composedGradients(dy, normalised) : null;
  const others = parameters === null ? [null, null] : [parameters.dweight, parameters.dbias];
  if (!needsX) return [null, ...others];
  if (statistics === null) return [multiply(slopeOf(normalised), dy), ...others];
  const { dx } = withoutGradients(() => gradientsOf(dy, normalised));
  return [differentiableGradient({ x, weight, dy, dx, statistics, cuts }), ...others];
}

/** Evaluation's factor of the upstream gradient, in differentiable ops. */
function slopeOf({ x, weight, runningVariance, epsilon }: Normalised): Tensor {
  const deviation = inverseSqrt(runningVariance, { epsilon });
  return broadcast(multiply(weight, deviation), x.shape, { keep: "channels" });
}

/** The gradients of scale and shift from differentiable ops, the statistics as functions of x in training. */
function composedGradients(
  dy: Tensor,
  { x, runningMean, runningVariance, rows, training, epsilon }: Normalised,
): { dweight: Tensor; dbias: Tensor } {
  const spread = (v: Tensor) => broadcast(v, x.shape, { keep: "channels" });
  const total = (v: Tensor) => sum(v, { keep: "channels" });
  const centred = subtract(x, spread(training ? scale(total(x), 1 / rows) : runningMean));
  const variance = training ? scale(total(multiply(centred, centred)), 1 / rows) : runningVariance;
  const xhat = multiply(centred, spread(inverseSqrt(variance, { epsilon })));
  return { dweight: total(multiply(dy, xhat)), dbias: total(dy) };
}
