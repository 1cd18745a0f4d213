import { type Ceilings, measureCeilings } from "../gpu/ceilings.ts";
import { type Peak, peakOf } from "../gpu/peak.ts";
import { Passes } from "../gpu/passes.ts";
import type { Plan } from "../gpu/plan.ts";
import type { Program } from "../gpu/program.ts";
import { type Profile, profile } from "../gpu/profiler.ts";
import { summarise, type Summary } from "../gpu/summary.ts";
import type { Model } from "../models/model.ts";
import { makeStep, type ProfileOptions } from "./made_step.ts";
import type { Trainer } from "./trainer.ts";

/** Where the time and the memory of one training step go, or of one of the batches that it accumulates. */
export interface StepProfile extends Profile {
  /** Images of the step. */
  readonly images: number;
  /** The plan of the step. */
  readonly plan: Plan;
  /** What is alive where most memory is needed. */
  readonly peak: Peak;
  /** The wall time to write the step's numbers, encode it and submit it, in seconds, while the GPU is idle. */
  readonly encodeSeconds: Summary;
  /** When the first step was over, in seconds from the start of the process. */
  readonly firstStepAt: number;
  /** What the adapter reaches at most: the better of two measurements, one before the step's and one after. */
  readonly ceilings: Ceilings;
}

const WARM_UP_ENCODINGS = 200;
const LEAST_STEPS = 7;
const MOST_STEPS = 50;
const ENOUGH_SECONDS = 2;

/**
 * Trains a few steps and tells where the time and the memory of one go. The network's parameters change.
 *
 * @param options The images, what a step does with them, and how its kernels are chosen.
 * @throws {RangeError} If a batch does not fit the adapter.
 */
export async function profileStep(
  model: Model,
  options: ProfileOptions,
): Promise<StepProfile> {
  const { gpu } = model.parameters;
  using made = await makeStep(model, options);
  const { trainer, program, images } = made;
  const firstStepAt = performance.now() / 1000;
  const encodeSeconds = summarise(await encodeTimes(trainer, program));
  const before = await measureCeilings(gpu);
  const measured = await profile(program);
  const after = await measureCeilings(gpu);
  return {
    ...measured,
    images,
    plan: program.plan,
    peak: peakOf(program.plan),
    encodeSeconds,
    firstStepAt,
    ceilings: {
      flopPerSecond: Math.max(before.flopPerSecond, after.flopPerSecond),
      bytesPerSecond: Math.max(before.bytesPerSecond, after.bytesPerSecond),
    },
  };
}

async function encodeTimes(trainer: Trainer, program: Program<null>): Promise<number[]> {
  // Code that has run often is compiled: hundreds of steps into a run, encoding takes what it takes here.
  for (let time = 0; time < WARM_UP_ENCODINGS; time++) {
    const encoder = program.gpu.device.createCommandEncoder({ label: "warm up" });
    const passes = new Passes(encoder, { label: "warm up" });
    program.encode(passes);
    passes.end();
    encoder.finish();
  }
  const times: number[] = [];
  const enough = performance.now() + 1000 * ENOUGH_SECONDS;
  const isEnough = () => times.length >= LEAST_STEPS && performance.now() > enough;
  while (times.length < MOST_STEPS && !isEnough()) {
    const began = performance.now();
    await trainer.submit(0);
    times.push((performance.now() - began) / 1000);
    await trainer.wait();
  }
  return times;
}
