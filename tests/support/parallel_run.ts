/**
 * Trains as one of several ranks, and prints what rank 0 sees, a line of JSON for each training. The arguments are JSON:
 * trainings, and a folder for final weights.
 */
import { Gpu } from "../../lib/gpu/device.ts";
import { openMpi } from "../../lib/mpi/open_mpi.ts";
import { writeWeights } from "../../lib/weights/write_weights.ts";
import { streamed } from "./streamed_run.ts";
import { follow, SLOW_RUNS } from "./trajectory.ts";

/** A training: one of PyTorch's, or of {@link streamed}. */
export interface Training {
  readonly run: keyof typeof SLOW_RUNS | "stream";
  readonly syncsStatistics?: boolean;
  readonly exchangeDtype?: "float" | "half";
  readonly maxSteps?: number;
  /** Whether no convolution takes Winograd's products, which round more and so open other rectifiers. */
  readonly direct?: boolean;
}

const trainings: Training[] = JSON.parse(Deno.args[0] ?? "[]");
const folder = Deno.args[1] ?? ".";
const world = await openMpi();
using gpu = await Gpu.open();
const choose = gpu.tuning.choose.bind(gpu.tuning);
for (const { run, maxSteps = 20, direct = false, ...options } of trainings) {
  gpu.tuning.choose = (question) => {
    const choice = choose(question);
    return direct && choice === "winograd" ? "rows" : choice;
  };
  if (run === "stream") {
    const found = await streamed(gpu, world, options);
    if (world.rank === 0) console.log(JSON.stringify(found));
    continue;
  }
  const { weights } = SLOW_RUNS[run];
  const { steps, weights: final } = await follow(gpu, {
    run,
    weights,
    maxSteps,
    world,
    ...options,
  });
  if (world.rank > 0) continue;
  console.log(JSON.stringify(steps.map(({ loss }) => loss)));
  const name = options.syncsStatistics === true ? `${run}_synced` : run;
  await writeWeights(`${folder}/${name}.safetensors`, final);
}
await world[Symbol.asyncDispose]();
Deno.exit(0);
