/**
 * Times jax-js's convolutions on the same adapter, in turns with ours. It prints JSON lines; `deno task bench --peers`
 * runs it.
 *
 * @module
 */
import {
  type Array as JaxArray,
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  numpy as np,
  vjp,
} from "@jax-js/jax";
import { Gpu, permute, type Tensor } from "../../../mod.ts";
import { recordConvolution } from "../convolution_programs.ts";
import {
  differentConvolutions,
  nameOf,
  type UsedConvolution,
  wideNetwork,
} from "../convolutions.ts";
import { type Pass, PASSES } from "../rows.ts";
import { peerKernelRow, print, readTask } from "./measure.ts";

const PEER = "jax-js 0.1.25";

/** From our order of dimensions to theirs, and back. */
const ORDERS = {
  images: { there: [0, 3, 1, 2], back: [0, 2, 3, 1] },
  weights: { there: [3, 2, 0, 1], back: [2, 3, 1, 0] },
};

const task = readTask();
using gpu = await Gpu.open();
const found = await init("webgpu");
if (!found.includes("webgpu")) {
  throw new Error("Cannot run jax-js: wanted its WebGPU backend, found none");
}
defaultDevice("webgpu");

async function copy(of: Tensor, { there }: { there: readonly number[] }): Promise<JaxArray> {
  const values = permute(await of.read(), of.shape, there);
  return np.array(values).reshape(there.map((at) => of.shape[at] ?? 1));
}

/** Compiled passes; each call uses up a reference of its arguments. */
function passesOf({ stride, padding }: UsedConvolution) {
  const conv = (x: JaxArray, w: JaxArray) =>
    lax.convGeneralDilated(x, w, [stride, stride], [[padding, padding], [padding, padding]]);
  const pull = (of: (free: JaxArray) => JaxArray, at: JaxArray, dy: JaxArray) => {
    const [y, back] = vjp(of, [at]);
    y.dispose();
    const [gradient] = back(dy);
    back.dispose();
    return gradient;
  };
  return {
    "forward": jit((x: JaxArray, w: JaxArray, dy: JaxArray) => {
      dy.dispose();
      return conv(x, w);
    }),
    "input gradient": jit((x: JaxArray, w: JaxArray, dy: JaxArray) =>
      pull((free) => conv(free, w), x, dy)
    ),
    "weight gradient": jit((x: JaxArray, w: JaxArray, dy: JaxArray) =>
      pull((free) => conv(x, free), w, dy)
    ),
  } satisfies Record<Pass, unknown>;
}

async function timeConvolution(convolution: UsedConvolution): Promise<void> {
  using ours = await recordConvolution(gpu, convolution, task);
  const x = await copy(ours.x, ORDERS.images);
  const w = await copy(ours.w, ORDERS.weights);
  const dy = await copy(ours.dy, ORDERS.images);
  const passes = passesOf(convolution);
  for (const pass of PASSES) {
    const run = () => passes[pass](x.ref, w.ref, dy.ref);
    const first = run();
    const shape = first.shape;
    const { back } = pass === "weight gradient" ? ORDERS.weights : ORDERS.images;
    const values = permute(Float32Array.from(await first.data()), shape, back);
    // Work waits until its result is asked for, and is dropped where the result is disposed before: so one number of
    // each result is added up, and the sum is waited for.
    let sum = np.array([0]).reshape([]);
    const work = {
      start: () => {
        sum = sum.add(run().slice(0, 0, 0, 0));
      },
      wait: async () => {
        await blockUntilReady(sum);
      },
    };
    print(
      await peerKernelRow(gpu, {
        peer: PEER,
        convolution: nameOf(convolution),
        pass,
        batch: task.batch,
        program: ours.programs[pass],
        work,
        values,
        timing: task,
      }),
    );
    passes[pass].dispose();
  }
  for (const held of [x, w, dy]) held.dispose();
}

const networks = [wideNetwork(16, 1), wideNetwork(16, 2), wideNetwork(40, 2)];
for (const convolution of differentConvolutions(networks)) {
  if (task.convolutions.includes(nameOf(convolution))) await timeConvolution(convolution);
}
