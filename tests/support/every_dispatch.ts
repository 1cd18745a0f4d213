import type { Gpu } from "../../lib/gpu/device.ts";
import type { RealType } from "../../lib/gpu/dtype.ts";
import type { Dispatch } from "../../lib/gpu/kernel.ts";
import { StepValues } from "../../lib/gpu/step_values.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { TrialCheck } from "../../lib/gpu/trial_check.ts";
import { gradients } from "../../lib/gradients.ts";
import { activationTransfer } from "../../lib/losses/activation_transfer.ts";
import { attentionTransfer } from "../../lib/losses/attention_transfer.ts";
import { gradientTerm, symmetryTerm } from "../../lib/losses/gradient_terms.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import type { Model } from "../../lib/models/model.ts";
import { networkInNetwork } from "../../lib/models/nin.ts";
import { NIN_WIDTHS } from "../../lib/models/nin_sizes.ts";
import { resNet } from "../../lib/models/resnet.ts";
import { wideResNet } from "../../lib/models/wide_resnet.ts";
import { groupWidths } from "../../lib/models/wide_resnet_sizes.ts";
import { accumulate } from "../../lib/ops/accumulate.ts";
import { add } from "../../lib/ops/add.ts";
import { augment } from "../../lib/ops/augment.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { cast } from "../../lib/ops/cast.ts";
import type { Geometry } from "../../lib/ops/conv2d/geometry.ts";
import {
  forwardPass,
  inputGradientPass,
  type Pass,
  weightGradientPass,
} from "../../lib/ops/conv2d/passes.ts";
import { copyInto } from "../../lib/ops/copy.ts";
import { foldBatchNorm } from "../../lib/ops/fold_batch_norm.ts";
import { inverseSqrt } from "../../lib/ops/inverse_sqrt.ts";
import { maxPool2d } from "../../lib/ops/max_pool2d.ts";
import { meanSquaredDifference } from "../../lib/ops/mean_squared_difference.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { relu } from "../../lib/ops/relu.ts";
import { scale } from "../../lib/ops/scale.ts";
import { sum } from "../../lib/ops/sum.ts";
import { transpose } from "../../lib/ops/transpose.ts";
import type { ImageSet } from "../../lib/train/image_set.ts";
import type { ProfileOptions } from "../../lib/train/made_step.ts";
import { stepWork } from "../../lib/train/step_work.ts";
import { watch } from "../../lib/tape.ts";
import { convolvedShape } from "./reference/conv2d.ts";

/** What a training step of one network and a test of it make the GPU do. */
async function ofTraining(
  student: Model,
  { side, batch, ...options }: Omit<ProfileOptions, "data"> & { side: number; batch: number },
): Promise<Dispatch[]> {
  const images = {
    count: batch,
    pixels: new Uint8Array(batch * 3 * side ** 2),
    labels: new Uint8Array(batch),
  };
  const data: ImageSet = {
    name: "black",
    classes: student.classes,
    size: side,
    mean: [120, 120, 120],
    std: [60, 60, 60],
    train: images,
    test: images,
  };
  const { train, test } = await stepWork(student, {
    ...options,
    data,
    batchSize: batch,
    topFive: true,
  });
  return [...train, ...test];
}

/** The convolutions whose passes are run in every way: of the networks, and of wide kernels. */
const CONVOLUTIONS = [
  { x: [128, 32, 32, 3], w: [3, 3, 3, 16], stride: 1, padding: 1 },
  { x: [128, 16, 16, 32], w: [3, 3, 32, 64], stride: 2, padding: 1 },
  { x: [128, 8, 8, 64], w: [3, 3, 64, 64], stride: 1, padding: 1 },
  { x: [4, 224, 224, 3], w: [7, 7, 3, 64], stride: 2, padding: 3 },
  { x: [4, 28, 28, 16], w: [5, 5, 16, 32], stride: 1, padding: 2 },
] as const;

function runEveryWay<Job>(
  pass: Pass<Job>,
  { gpu, geometry, dtype }: { gpu: Gpu; geometry: Geometry; dtype: RealType },
): void {
  for (const { fits, run } of pass.variants) {
    if (fits(gpu, geometry)) run(pass.makeUp(gpu, { geometry, dtype }).begin().job);
  }
}

function convolveEveryWay(gpu: Gpu, dtype: RealType): void {
  for (const sizes of CONVOLUTIONS) {
    const geometry = { ...sizes, y: convolvedShape(sizes) };
    runEveryWay(forwardPass, { gpu, geometry, dtype });
    runEveryWay(inputGradientPass, { gpu, geometry, dtype });
    runEveryWay(weightGradientPass, { gpu, geometry, dtype });
  }
}

/** Holds a result against another, with exact values and without. */
function compareResults(gpu: Gpu, dtype: RealType): void {
  const result = () => gpu.intermediate([8, 12, 12, 20], { dtype });
  for (const exact of [undefined, (_: unknown, places: readonly number[]) => [...places]]) {
    using check = new TrialCheck(result(), { inputs: [], tolerance: 1e-4, exact });
    check.compare(result());
  }
}

/** The ops and gradients that no training has, or none but special ones. */
function runOtherOps(gpu: Gpu, dtype: RealType): void {
  const activations = (side: number) => watch(gpu.empty([8, side, side, 20], { dtype }));
  const x = activations(12);
  // Its own value stands in for the upstream gradient.
  const back = (y: Tensor, differentiable = false) =>
    gradients(y, [x], { upstream: y, differentiable })[0] ?? x;
  const pooled = maxPool2d(relu(x), 3, { stride: 2 });
  back(pooled);
  if (dtype === "f32") back(multiply(back(pooled, true), x)); // half precision has no second derivatives
  for (const keep of ["channels", "samples", "none"] as const) {
    for (const y of [x, pooled]) back(sum(y, { keep }));
  }
  back(add(scale(multiply(x, x), 2), x));
  back(meanSquaredDifference(x, activations(12)));
  back(activationTransfer(x, activations(12)));
  for (const [map, resize] of [["sum", "pool"], ["max^2", "bilinear"]] as const) {
    back(attentionTransfer(x, activations(7), { map, norm: "l1", resize }));
  }
  cast(x, "f32");
  cast(cast(x, "f32"), dtype);
  broadcast(gpu.empty([20]), x.shape, { keep: "channels", dtype });
  copyInto(x, activations(12), { offset: 0 });
  using values = new StepValues(gpu, ["epoch"]);
  const words = (size: number) => gpu.empty([size], { dtype: "u32" });
  augment(words(8 * 3 * 12 * 12 / 4), {
    batch: 8,
    size: 12,
    indices: words(8),
    epoch: values.at("epoch"),
    seed: 0,
    mean: [120, 120, 120],
    std: [60, 60, 60],
    dtype,
  });
  const vector = (): Tensor => gpu.empty([20]);
  accumulate(vector(), vector());
  inverseSqrt(vector(), { epsilon: 1e-5 });
  transpose(gpu.empty([20, 12]));
  foldBatchNorm(gpu.empty([3, 3, 20, 20], { layout: "weights" }), {
    weight: vector(),
    bias: vector(),
    runningMean: vector(),
    runningVariance: vector(),
  });
}

/**
 * Dispatches of nearly every entry point, with the constants that programs give them: what trainings and tests of small
 * networks make the GPU do, every convolution in every way that fits, and the ops that are left out of both. Nothing of
 * it runs.
 */
export async function everyDispatch(gpu: Gpu, dtype: RealType): Promise<Dispatch[]> {
  using models = new DisposableStack();
  const wide = (width: number) =>
    models.use(wideResNet(gpu, { depth: 10, widths: groupWidths(width), classes: 10, seed: 0 }));
  const nin = models.use(networkInNetwork(gpu, { widths: NIN_WIDTHS.thin, classes: 10, seed: 0 }));
  const resnet = (width: number) => {
    const widths = [width, 2 * width, 4 * width, 8 * width] as const;
    const sizes = { blocks: [1, 1, 1, 1], widths, stem: width, classes: 1000 } as const;
    return models.use(resNet(gpu, { ...sizes, seed: 0 }));
  };
  const [student, teacher] = [wide(1), wide(2)];
  const objective = transferTerms({ alpha: 0.5, beta: 1000 });
  const ofGradients = [
    ...transferTerms(),
    gradientTerm({ weight: 1 }),
    symmetryTerm({ weight: 1 }),
  ];
  const cifar = { side: 32, batch: 128, dtype };
  const imageNet = { side: 224, batch: 4, dtype };
  return [
    ...await ofTraining(student, { ...cifar, teacher, objective }),
    ...await ofTraining(student, { ...cifar, dtype: "f32", teacher, objective: ofGradients }),
    ...await ofTraining(nin, cifar),
    ...await ofTraining(resnet(8), { ...imageNet, teacher: resnet(16), objective }),
    ...[false, true].flatMap((texels) =>
      gpu.record(() => {
        convolveEveryWay(gpu, dtype);
        runOtherOps(gpu, dtype);
        compareResults(gpu, dtype);
      }, { texels }).dispatches
    ),
  ];
}
