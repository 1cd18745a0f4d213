import type { Program } from "../gpu/program.ts";
import type { TuningState } from "../gpu/tuner.ts";
import type { Model } from "../models/model.ts";
import { type AutotuneOptions, chooseVariants } from "./autotune.ts";
import type { ImageSet, StreamedSet } from "./image_set.ts";
import { openTrainingFeed } from "./open_feeds.ts";
import { type StepOptions, withDefaults } from "./step_options.ts";
import { Trainer } from "./trainer.ts";

/** What is profiled, and how its kernels are chosen. */
export interface ProfileOptions extends StepOptions, AutotuneOptions {
  /** The images. */
  readonly data: ImageSet | StreamedSet;
  /** Told how far the tuning of kernels is. */
  readonly onTuning?: (state: TuningState) => void;
}

/** A training step, or one of the batches that it accumulates, that has been made once and can be measured. */
export interface MadeStep extends Disposable {
  /** What makes it. */
  readonly trainer: Trainer;
  /** The step as it was recorded. */
  readonly program: Program<null>;
  /** Its images. */
  readonly images: number;
}

/**
 * Makes what trains a network, its kernels chosen as a run would, ready for the first step.
 *
 * @param options The images, what a step does with them, and how its kernels are chosen.
 * @throws {RangeError} If there are fewer images than a batch has.
 */
export async function prepareTrainer(
  model: Model,
  { data, ...options }: ProfileOptions,
): Promise<Pick<MadeStep, "trainer" | "images"> & Disposable> {
  const { gpu } = model.parameters;
  using opened = new DisposableStack();
  const feed = opened.use(openTrainingFeed(gpu, data, options));
  const { count, batchSize } = feed.batching;
  if (count < batchSize) {
    throw new RangeError(
      `Cannot profile a step of ${batchSize} images: the training set must have as many, found ${count}`,
    );
  }
  const trainer = opened.use(new Trainer(model, { ...withDefaults(options, feed), accumulate: 1 }));
  const { autotune, cacheFolder, variants, onNote, onTuning: onProgress } = options;
  const rehearsals = trainer.rehearsals.slice(0, 1);
  const choice = { rehearsals, autotune, cacheFolder, variants, onNote, onProgress };
  trainer.variants = await chooseVariants(gpu, choice) ?? {};
  trainer.beginEpoch(1, { rate: 1e-3 });
  const kept = opened.move();
  return { trainer, images: batchSize, [Symbol.dispose]: () => kept.dispose() };
}

/**
 * Makes a training step once, its kernels chosen as a run would. The network's parameters change.
 *
 * @param options The images, what a step does with them, and how its kernels are chosen.
 * @throws {RangeError} If a batch does not fit the adapter, or there are fewer images.
 */
export async function makeStep(model: Model, options: ProfileOptions): Promise<MadeStep> {
  using opened = new DisposableStack();
  const { trainer, images } = opened.use(await prepareTrainer(model, options));
  await trainer.submit(0);
  const { program } = trainer;
  if (program === null) throw new TypeError("Cannot profile a step: no program was recorded");
  await trainer.wait();
  const kept = opened.move();
  return { trainer, program, images, [Symbol.dispose]: () => kept.dispose() };
}
