import type { Gpu } from "../../lib/gpu/device.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { batchNorm } from "../../lib/ops/batch_norm.ts";
import { conv2d } from "../../lib/ops/conv2d.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { globalAvgPool2d } from "../../lib/ops/global_avg_pool2d.ts";
import { linear } from "../../lib/ops/linear.ts";
import { relu } from "../../lib/ops/relu.ts";
import { mean } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import type { Operand } from "./check_op.ts";
import { uniform } from "./operand.ts";

/** The sizes of the net: a batch of images, hidden channels, classes. */
export const NET = { batch: 2, side: 2, inputs: 2, hidden: 3, classes: 3 } as const;

/** The labels of its batch. */
export const NET_LABELS = [2, 0] as const;

/** Something for the net's input and each of its trainable tensors. */
export interface NetValues<T> {
  readonly x: T;
  readonly conv: T;
  readonly scale: T;
  readonly shift: T;
  readonly fc: T;
  readonly bias: T;
}

/** Their inputs, the same at every call. */
export function netOperands(): NetValues<Operand> {
  const { batch, side, inputs, hidden, classes } = NET;
  const layout = "weights";
  return {
    x: uniform([batch, side, side, inputs], { seed: 1 }),
    conv: uniform([3, 3, inputs, hidden], { seed: 2, layout }),
    scale: uniform([hidden], { seed: 3, from: 0.5, to: 1.5 }),
    shift: uniform([hidden], { seed: 4 }),
    fc: uniform([1, 1, hidden, classes], { seed: 5, layout }),
    bias: uniform([classes], { seed: 6 }),
  };
}

/** Makes the net's tensors on a GPU, with requiresGrad. */
export function netTensors(gpu: Gpu): NetValues<Tensor> {
  const { x, conv, scale, shift, fc, bias } = netOperands();
  const made = ({ values, shape, layout = "channels" }: Operand) =>
    watch(gpu.tensor(values, shape, { layout }));
  return {
    x: made(x),
    conv: made(conv),
    scale: made(scale),
    shift: made(shift),
    fc: made(fc),
    bias: made(bias),
  };
}

/** Running statistics of the net's batch normalisation. */
export function netRunning(gpu: Gpu) {
  const ones = Array.from({ length: NET.hidden }, () => 1);
  return {
    runningMean: gpu.zeros([NET.hidden], { label: "running mean" }),
    runningVariance: gpu.tensor(ones, [NET.hidden], { label: "running variance" }),
  };
}

/** The mean cross-entropy of convolution, batch normalisation in training, ReLU, pooling and a linear layer. */
export function netLoss(
  { x, conv, scale, shift, fc, bias }: NetValues<Tensor>,
  { running, labels }: { running: ReturnType<typeof netRunning>; labels: Tensor },
): Tensor {
  const hidden = batchNorm(conv2d(x, conv, { padding: 1 }), {
    weight: scale,
    bias: shift,
    ...running,
    training: true,
  });
  const logits = linear(globalAvgPool2d(relu(hidden)), fc, { bias });
  return mean(crossEntropy(logits, labels));
}
