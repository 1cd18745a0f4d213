import type { Gpu } from "../../lib/gpu/device.ts";
import { Program } from "../../lib/gpu/program.ts";
import { TrialCheck } from "../../lib/gpu/trial_check.ts";
import { gradients } from "../../lib/gradients.ts";
import { attentionTransfer } from "../../lib/losses/attention_transfer.ts";
import { batchNorm } from "../../lib/ops/batch_norm.ts";
import { conv2d } from "../../lib/ops/conv2d.ts";
import type { Geometry } from "../../lib/ops/conv2d/geometry.ts";
import {
  forwardPass,
  type Pass,
  questionOf,
  weightGradientPass,
} from "../../lib/ops/conv2d/passes.ts";
import { finishColumns, sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { convolvedShape } from "../support/reference/conv2d.ts";

/** The convolution that is run; its channels need no padding. */
export const CONVOLUTION = { x: [2, 7, 9, 20], w: [3, 3, 20, 24], stride: 1, padding: 1 } as const;

const GEOMETRY: Geometry = { ...CONVOLUTION, y: convolvedShape(CONVOLUTION) };

function convolve<Job>(gpu: Gpu, pass: Pass<Job>): void {
  const geometry = GEOMETRY;
  for (const { name, fits, run } of pass.variants) {
    if (!/gemm|rows/.test(name) || !fits(gpu, geometry)) continue;
    run(pass.makeUp(gpu, { geometry, dtype: "f32" }).begin().job);
  }
}

function sumEveryWay(gpu: Gpu): void {
  for (const keep of ["channels", "samples", "none"] as const) {
    sum(gpu.empty([600, 24]), { keep });
    sum(gpu.empty([5, 24]), { keep });
  }
  finishColumns(gpu.empty([3, 1100]), gpu.empty([1100]), { rows: 3 });
}

/** The names of the work. */
export const WORKS = [
  "sum",
  "sumInTrees",
  "batchNorm",
  "attentionLoss",
  "forward",
  "forwardWithMoments",
  "weightGradient",
  "trialCheck",
] as const;

/** The name of some work. */
export type Work = typeof WORKS[number];

/** Work in which kernels with barriers and subgroup operations run in each of their ways. */
export const SLICE: Readonly<Record<Work, (gpu: Gpu) => void | Promise<void>>> = {
  sum: sumEveryWay,
  /** On a card without subgroups. */
  sumInTrees: sumEveryWay,
  batchNorm(gpu) {
    const vector = () => watch(gpu.empty([20]));
    const x = watch(gpu.empty([3, 9, 9, 20]));
    const y = batchNorm(x, {
      weight: vector(),
      bias: vector(),
      runningMean: gpu.empty([20]),
      runningVariance: gpu.empty([20]),
      training: true,
    });
    gradients(y, [x], { upstream: y });
  },
  attentionLoss(gpu) {
    const x = watch(gpu.empty([3, 7, 11, 12]));
    gradients(attentionTransfer(x, gpu.empty([3, 7, 11, 20])), [x]);
  },
  async forwardWithMoments(gpu) {
    const geometry = GEOMETRY;
    const question = questionOf(gpu, { pass: forwardPass, geometry, dtype: "f32" });
    const name = question.variants.find((variant) => variant.startsWith("gemm")) ?? "none";
    const [x, w] = [gpu.zeros(geometry.x), gpu.zeros(geometry.w, { layout: "weights" })];
    const vector = gpu.zeros([24]);
    const running = { runningMean: gpu.zeros([24]), runningVariance: gpu.zeros([24]) };
    const build = () =>
      gpu.tuning.with({ [question.family]: name }, () =>
        batchNorm(conv2d(x, w, { padding: 1 }), {
          weight: vector,
          bias: vector,
          ...running,
          training: true,
        }));
    using program = await Program.record(gpu, { label: "moments", build });
    program.run();
  },
  forward: (gpu) => convolve(gpu, forwardPass),
  weightGradient: (gpu) => convolve(gpu, weightGradientPass),
  trialCheck(gpu) {
    const result = gpu.empty([600, 24]);
    const exact = (_: unknown, places: readonly number[]) => places;
    new TrialCheck(gpu.empty([600, 24]), { inputs: [], tolerance: 0.01, exact }).compare(result);
  },
};
