/**
 * Times TensorFlow.js's WebGPU backend on our device, in turns with ours: the convolutions and the step of attention
 * transfer. It prints JSON lines; `deno task bench --peers` runs it.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { Gpu, shareWithTfjs, summarise } from "../../../mod.ts";
import { recordConvolution } from "../convolution_programs.ts";
import {
  differentConvolutions,
  nameOf,
  type UsedConvolution,
  wideNetwork,
} from "../convolutions.ts";
import { type Pass, PASSES } from "../rows.ts";
import { openTraining, stepName, wideStep } from "../steps.ts";
import { inTurns, peerKernelRow, print, readTask } from "./measure.ts";
import { TfjsTraining } from "./tfjs_training.ts";

const PEER = "tfjs-webgpu 4.22.0";
const MOST_DIFFERENCE = 1e-3;

const task = readTask();
using gpu = await Gpu.open();
const bridge = await shareWithTfjs(gpu, { tf, WebGPUBackend });

async function wait(): Promise<void> {
  bridge.flush();
  await gpu.device.queue.onSubmittedWorkDone();
}

/** The kernels that TensorFlow.js's own gradients run. */
function passesOf(
  { stride, padding }: UsedConvolution,
  { x, w, dy }: { x: tf.Tensor4D; w: tf.Tensor4D; dy: tf.Tensor4D },
): Record<Pass, () => tf.Tensor> {
  const attributes = {
    strides: stride,
    pad: padding,
    dataFormat: "NHWC",
  };
  const run = (name: string, inputs: tf.NamedTensorMap, more: Record<string, number[]>) => () =>
    tf.engine().runKernel<tf.Tensor>(name, inputs, { ...attributes, ...more });
  return {
    "forward": () => tf.conv2d(x, w, stride, padding),
    "input gradient": run("Conv2DBackpropInput", { dy, filter: w }, { inputShape: x.shape }),
    "weight gradient": run("Conv2DBackpropFilter", { x, dy }, { filterShape: w.shape }),
  };
}

async function timeConvolution(convolution: UsedConvolution): Promise<void> {
  using ours = await recordConvolution(gpu, convolution, task);
  const copy = async (of: typeof ours.x) =>
    tf.tensor4d(await of.read(), [
      of.shape[0] ?? 0,
      of.shape[1] ?? 0,
      of.shape[2] ?? 0,
      of.shape[3] ?? 0,
    ]);
  const tensors = { x: await copy(ours.x), w: await copy(ours.w), dy: await copy(ours.dy) };
  const passes = passesOf(convolution, tensors);
  for (const pass of PASSES) {
    const result = passes[pass]();
    const values = new Float32Array(await result.data());
    result.dispose();
    print(
      await peerKernelRow(gpu, {
        peer: PEER,
        convolution: nameOf(convolution),
        pass,
        batch: task.batch,
        program: ours.programs[pass],
        work: { start: () => passes[pass]().dispose(), wait },
        values,
        timing: task,
      }),
    );
  }
  for (const tensor of Object.values(tensors)) tensor.dispose();
}

async function timeStep(): Promise<void> {
  const step = wideStep("AT", [16, 1], [16, 2]);
  const batch = task.stepBatch;
  await using ours = await openTraining(gpu, step, {
    batch,
    autotune: task.autotune,
    augmented: false,
  });
  using theirs = await TfjsTraining.open(gpu, step, { batch });
  let difference = 0;
  for (let at = 0; at < 2; at++) {
    const loss = await theirs.step();
    const wanted = (await ours.run(1)).loss;
    difference = Math.max(difference, Math.abs(loss / wanted - 1));
  }
  const what = `${PEER} ${stepName(step)}`;
  if (!(difference < MOST_DIFFERENCE)) {
    const message = `Cannot compare: the losses must be equal, found ${difference} apart`;
    return print({ kind: "failure", what, message });
  }
  const work = { start: () => theirs.start(), wait };
  const seconds = Math.max(task.seconds, 0.5);
  const found = await inTurns(work, {
    ours: async () => (await ours.run(Math.max(1, Math.round(seconds)))).seconds,
    samples: task.samples,
    seconds,
  });
  const ms = summarise(found.theirs.map((took) => took * 1e3));
  const ours_ms = summarise(found.ours.map((took) => took * 1e3));
  const ratio = summarise(found.theirs.map((took, turn) => took / (found.ours[turn] ?? NaN)));
  print({
    kind: "peer step",
    peer: PEER,
    step: stepName(step),
    batch,
    ms,
    ours_ms,
    ratio: ratio.median,
    difference,
  });
}

const networks = [wideNetwork(16, 1), wideNetwork(16, 2), wideNetwork(40, 2)];
for (const convolution of differentConvolutions(networks)) {
  if (task.convolutions.includes(nameOf(convolution))) await timeConvolution(convolution);
}
if (task.steps) await timeStep();
