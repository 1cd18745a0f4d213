/**
 * Trains for 2,000 steps and prints, after step 200 and at the end, the GPU buffers and the resident memory without
 * garbage. It is a process of its own, in which nothing else comes and goes.
 *
 * @module
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Gpu } from "../../lib/gpu/device.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import { fit } from "../../lib/train/fit.ts";
import { tinyModel, tinySet } from "./tiny.ts";

const STEPS = 2000;
const PER_EPOCH = 100;

setFlagsFromString("--expose-gc");
const collectGarbage: unknown = runInNewContext("gc");

async function collect(): Promise<void> {
  if (typeof collectGarbage !== "function") throw new TypeError("Cannot collect garbage");
  for (let time = 0; time < 3; time++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

using gpu = await Gpu.open();
using model = tinyModel(gpu);
using teacher = tinyModel(gpu, { seed: 1, channels: 8 });
await fit(model, {
  data: tinySet({ train: 2 * PER_EPOCH - 1, test: 3 }),
  epochs: STEPS / PER_EPOCH,
  batchSize: 2,
  teacher,
  objective: transferTerms({ alpha: 0.5, beta: 10 }),
  dropEpochs: [3, 5],
  onEpoch: async (_epoch, { step }) => {
    if (step !== 200 && step !== STEPS) return;
    await collect();
    console.log(JSON.stringify({ step, buffers: gpu.bufferCount, rss: Deno.memoryUsage().rss }));
  },
});
