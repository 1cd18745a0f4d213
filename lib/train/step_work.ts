import type { Dispatch } from "../gpu/kernel.ts";
import { planProgram } from "../gpu/program.ts";
import { readsTexels } from "../gpu/reads_texels.ts";
import type { Variants } from "../gpu/tuning.ts";
import type { Model } from "../models/model.ts";
import { Evaluator } from "./evaluate.ts";
import { prepareTrainer, type ProfileOptions } from "./made_step.ts";
import { openTestFeed } from "./open_feeds.ts";

/** What training and testing make the GPU do. */
export interface StepWork {
  /** The images of a training step, and of a batch to test on. */
  readonly images: number;
  /** The dispatches of a training step. */
  readonly train: readonly Dispatch[];
  /** The dispatches of a test of one batch. */
  readonly test: readonly Dispatch[];
}

/**
 * Says what a training step and a test of as many images make the GPU do. Of both nothing is compiled and nothing runs.
 *
 * @param options The images, as many as a batch, what a step does with them, and how its kernels are chosen.
 * @throws {RangeError} If there are fewer images than a batch has.
 * @example
 * ```ts
 * import { Gpu, groupWidths, shapes, stepWork, wideResNet } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * using model = wideResNet(gpu, { depth: 10, widths: groupWidths(0.25), classes: 10, seed: 0 });
 * const { train } = await stepWork(model, { data: shapes({ train: 4, test: 4 }), batchSize: 4 });
 * assert.ok(train.reduce((sum, { flop }) => sum + flop, 0) > 1e6);
 * ```
 */
export async function stepWork(model: Model, options: ProfileOptions): Promise<StepWork> {
  const { gpu } = model.parameters;
  using prepared = await prepareTrainer(model, options);
  const { trainer, images } = prepared;
  const { objective, variants } = trainer;
  const { data, teacher = null, topFive = false, dtype = "f32" } = options;
  using feed = openTestFeed(gpu, data, options);
  using evaluator = new Evaluator(model, { feed, teacher, objective, topFive, dtype });
  const texels = await readsTexels(gpu);
  const planned = ([rehearse = () => {}]: readonly (() => void)[], chosen: Variants) => {
    const build = () => {
      gpu.tuning.with(chosen, rehearse);
      return null;
    };
    return planProgram(gpu, { build, texels }).plan.dispatches;
  };
  return {
    images,
    train: planned(trainer.rehearsals, variants),
    test: planned(evaluator.rehearsals, variants),
  };
}
