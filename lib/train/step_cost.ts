import type { Model } from "../models/model.ts";
import { Evaluator } from "./evaluate.ts";
import { makeStep, type ProfileOptions } from "./made_step.ts";
import { openTestFeed } from "./open_feeds.ts";
import type { Trainer } from "./trainer.ts";

/** What training and testing cost, an image. */
export interface StepCost {
  /** Floating-point operations of a training step, divided by its images. */
  readonly flop: number;
  /** Wall time of a training step, in seconds, divided by its images. */
  readonly trainSeconds: number;
  /** Wall time of testing, in seconds, divided by its images. */
  readonly testSeconds: number;
}

const ENOUGH_SECONDS = 0.3;
const MOST_STEPS = 256;

/**
 * Makes a few training steps and tests once, to tell what a run would take. The network's parameters change.
 *
 * @param options The images, as many as a few batches, what a step does with them, and how its kernels are chosen.
 * @throws {RangeError} If a batch does not fit the adapter.
 * @example
 * ```ts
 * import { Gpu, groupWidths, shapes, stepCost, wideResNet } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * using model = wideResNet(gpu, { depth: 10, widths: groupWidths(0.25), classes: 10, seed: 0 });
 * const data = shapes({ train: 4, test: 4 });
 * const { flop, trainSeconds } = await stepCost(model, { data, batchSize: 4 });
 * assert.ok(flop > 1e6 && trainSeconds > 0);
 * ```
 */
export async function stepCost(model: Model, options: ProfileOptions): Promise<StepCost> {
  using made = await makeStep(model, options);
  const { trainer, program, images } = made;
  const flop = program.plan.dispatches.reduce((sum, dispatch) => sum + dispatch.flop, 0);
  return {
    flop: flop / images,
    trainSeconds: await secondsOf(trainer) / images,
    testSeconds: await testSecondsOf(trainer, options),
  };
}

/** The time of a step where many follow each other, as they do in a run. */
async function secondsOf(trainer: Trainer): Promise<number> {
  for (let steps = 1;; steps *= 2) {
    await trainer.take();
    const began = performance.now();
    for (let step = 0; step < steps; step++) await trainer.submit(0);
    await trainer.wait();
    const seconds = (performance.now() - began) / 1000;
    if (seconds > ENOUGH_SECONDS || steps >= MOST_STEPS) return seconds / steps;
  }
}

async function testSecondsOf(
  { model, objective, variants }: Trainer,
  { data, ...options }: ProfileOptions,
): Promise<number> {
  const { teacher = null, topFive = false, dtype = "f32" } = options;
  using feed = openTestFeed(model.parameters.gpu, data, options);
  using evaluator = new Evaluator(model, { feed, teacher, objective, topFive, dtype });
  evaluator.variants = variants;
  await evaluator.run();
  const began = performance.now();
  await evaluator.run();
  return (performance.now() - began) / 1000 / feed.batching.count;
}
