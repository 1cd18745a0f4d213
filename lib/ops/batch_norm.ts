import source from "../../kernels/batch_norm.wgsl" with { type: "text" };
import { gridFor, Kernel, split } from "../gpu/kernel.ts";
import { quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { add } from "./add.ts";
import { broadcast } from "./broadcast.ts";
import { inverseSqrt } from "./inverse_sqrt.ts";
import { multiply } from "./multiply.ts";
import { scale } from "./scale.ts";
import { fourSizes, storedQuads, wantShape } from "./shapes.ts";
import { subtract } from "./subtract.ts";
import { sum } from "./sum.ts";

const kernel = new Kernel("batch_norm", source);

/** Rows that one invocation goes over, so that the channels' values are loaded once. */
const STRIP = 8;

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
  /** How far the running statistics move; 0.1 unless told. */
  readonly momentum?: number;
  /** What is added to the variance; 1e-5 unless told. */
  readonly epsilon?: number;
}

interface Normalised {
  readonly x: Tensor;
  readonly mean: Tensor;
  readonly deviation: Tensor;
  readonly weight: Tensor;
  readonly rows: number;
  readonly training: boolean;
  readonly epsilon: number;
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
  { weight, bias, runningMean, runningVariance, training, momentum = 0.1, epsilon = 1e-5 }:
    BatchNormOptions,
): Tensor {
  const [batch, height, width, channels] = fourSizes(x, "normalise x");
  for (const tensor of [weight, bias, runningMean, runningVariance]) {
    wantShape(tensor, [channels], "normalise x");
  }
  const rows = batch * height * width;
  if (training && rows === 1) {
    throw new RangeError(
      "Cannot normalise x in training: wanted more than one value a channel, found 1",
    );
  }
  const { mean, deviation } = training
    ? batchStatistics(x, { rows, momentum, epsilon, runningMean, runningVariance })
    : { mean: runningMean, deviation: deviationOf(runningVariance, epsilon) };
  const y = x.gpu.empty(x.shape, { label: "batch_norm.y", dtype: x.dtype });
  kernel.dispatch("normalise", {
    read: [x, mean, deviation, weight, bias],
    write: [y],
    constants: { rows, quads: quadsOf(channels), strip: STRIP },
    grid: gridFor(quadsOf(channels) * Math.ceil(rows / STRIP), 64),
  });
  const normalised = { x, mean, deviation, weight, rows, training, epsilon };
  return record({
    name: "batchNorm",
    inputs: [x, weight, bias],
    output: y,
    vjp: (dy, [needsX]) => vjp(dy, { normalised, needsX: needsX ?? false }),
    differentiableVjp: (dy) => composedVjp(dy, normalised),
  });
}

function batchStatistics(
  x: Tensor,
  { rows, momentum, epsilon, runningMean, runningVariance }: {
    rows: number;
    momentum: number;
    epsilon: number;
    runningMean: Tensor;
    runningVariance: Tensor;
  },
): { mean: Tensor; deviation: Tensor } {
  const { gpu, shape: channels, size } = runningMean;
  const quads = storedQuads(runningMean);
  const parts = split(rows, { least: 64, most: 256 });
  const first = gpu.empty([parts.chunks, ...channels], { label: "batch_norm.sums" });
  const second = gpu.empty([parts.chunks, ...channels], { label: "batch_norm.squares" });
  kernel.dispatch("moments", {
    read: [x],
    write: [first, second],
    constants: { rows, quads, ...parts },
    grid: gridFor(quads * parts.chunks, 64),
  });
  const mean = gpu.empty(channels, { label: "batch_norm.mean" });
  const deviation = gpu.empty(channels, { label: "batch_norm.deviation" });
  kernel.dispatch("statistics", {
    read: [x, first, second],
    write: [mean, deviation, runningMean, runningVariance],
    constants: { rows, quads, channels: size, ...parts, momentum, epsilon },
    grid: [quads],
  });
  return { mean, deviation };
}

function deviationOf(variance: Tensor, epsilon: number): Tensor {
  const deviation = variance.gpu.empty(variance.shape, { label: "batch_norm.deviation" });
  const quads = storedQuads(variance);
  kernel.dispatch("freeze", {
    read: [variance],
    write: [deviation],
    constants: { rows: 1, quads, channels: variance.size, epsilon },
    grid: gridFor(quads, 64),
  });
  return deviation;
}

function vjp(
  dy: Tensor,
  { normalised, needsX }: { normalised: Normalised; needsX: boolean },
): (Tensor | null)[] {
  const { x, mean, deviation, weight, rows, training } = normalised;
  const { gpu, shape: channels } = weight;
  const quads = storedQuads(weight);
  const parts = split(rows, { least: 64, most: 256 });
  const biasParts = gpu.empty([parts.chunks, ...channels], { label: "batch_norm.dbias parts" });
  const weightParts = gpu.empty([parts.chunks, ...channels], { label: "batch_norm.dweight parts" });
  kernel.dispatch("vjp_sums", {
    read: [x, mean, deviation, dy],
    write: [biasParts, weightParts],
    constants: { rows, quads, ...parts },
    grid: gridFor(quads * parts.chunks, 64),
  });
  const dbias = gpu.empty(channels, { label: "batch_norm.dbias" });
  const dweight = gpu.empty(channels, { label: "batch_norm.dweight" });
  kernel.dispatch("vjp_parameters", {
    read: [biasParts, weightParts],
    write: [dbias, dweight],
    constants: { rows, quads, ...parts },
    grid: [quads],
  });
  if (!needsX) return [null, dweight, dbias];
  const dx = gpu.empty(x.shape, { label: "batch_norm.dx", dtype: x.dtype });
  kernel.dispatch("vjp_input", {
    read: [x, mean, deviation, dy, weight, dbias, dweight],
    write: [dx],
    constants: { rows, quads, strip: STRIP, training: training ? 1 : 0 },
    grid: gridFor(quads * Math.ceil(rows / STRIP), 64),
  });
  return [dx, dweight, dbias];
}

/** The same products from differentiable ops, the statistics as functions of x in training. */
function composedVjp(dy: Tensor, normalised: Normalised): Tensor[] {
  const { x, weight, rows, training, epsilon } = normalised;
  const spread = (v: Tensor) => broadcast(v, x.shape, { keep: "channels" });
  const total = (v: Tensor) => sum(v, { keep: "channels" });
  const mean = training ? scale(total(x), 1 / rows) : normalised.mean;
  const centred = subtract(x, spread(mean));
  const deviation = training
    ? inverseSqrt(scale(total(multiply(centred, centred)), 1 / rows), { epsilon })
    : normalised.deviation;
  const xhat = multiply(centred, spread(deviation));
  const dbias = total(dy);
  const dweight = total(multiply(dy, xhat));
  const along = add(spread(dbias), multiply(xhat, spread(dweight)));
  const g = training ? subtract(dy, scale(along, 1 / rows)) : dy;
  return [multiply(spread(multiply(weight, deviation)), g), dweight, dbias];
}
