import { setImmediate } from "node:timers";
import type { Plan } from "../gpu/plan.ts";
import type { TuningState } from "../gpu/tuner.ts";
import type { Variants } from "../gpu/tuning.ts";
import type { Model } from "../models/model.ts";
import { soloWorld } from "../mpi/solo_world.ts";
import type { World } from "../mpi/world.ts";
import { stepSchedule } from "../optim/step_schedule.ts";
import { type AutotuneOptions, chooseVariants } from "./autotune.ts";
import { type Evaluation, Evaluator } from "./evaluate.ts";
import { Flight, type Landed, type Submitted } from "./flight.ts";
import type { ImageSet, StreamedSet } from "./image_set.ts";
import { openTestFeed, openTrainingFeed } from "./open_feeds.ts";
import { shareState, shareTensors, shareValue, wantSameParameters } from "./ranks.ts";
import { type StepOptions, withDefaults } from "./step_options.ts";
import { NonFiniteError } from "./non_finite.ts";
import { hasFault, type StepResult } from "./step_result.ts";
import { Trainer } from "./trainer.ts";
import { type RateScale, warmUp } from "./warm_up.ts";

/** A step of a run that is over. */
export interface FinishedStep extends StepResult, Submitted {
  /** The wall time that it took, in seconds: a mean over the steps that were fetched together. */
  readonly seconds: number;
}

/** An epoch that is over, or the part of it that a run with a bound of steps came to. */
export interface FinishedEpoch {
  /** The epoch, from 1. */
  readonly epoch: number;
  /** Whether all of its steps were made. */
  readonly isWhole: boolean;
  /** Its steps. */
  readonly steps: readonly FinishedStep[];
  /** What the network then makes of the test images. */
  readonly evaluation: Evaluation;
  /** The wall time of the evaluation, in seconds. */
  readonly evaluationSeconds: number;
}

/** Where a run stands between two steps. */
export interface Position {
  /** The next step, from 0. */
  readonly step: number;
  /** The steps of the current epoch that are over. */
  readonly stepsOfEpoch: readonly FinishedStep[];
}

/** What {@link fit} tells while it runs. What these do is left out of the times, unless steps run on meanwhile. */
export interface FitListener {
  /** While kernels are tuned: how far that is. */
  onTuning?(state: TuningState): void;
  /** Before the first step: which variants of their kernels the ops run, which another run may be told to take. */
  onVariants?(variants: Variants): void | Promise<void>;
  /** Once before the first step: where the step's tensors live. */
  onPlan?(plan: Plan): void;
  /** At least every half second, or after each step where steps take longer: how far the GPU is. */
  onProgress?(landed: Landed): void;
  /** Every `logEvery` steps and at the end of an epoch: the steps that are over since the last call. */
  onSteps?(steps: readonly FinishedStep[]): void | Promise<void>;
  /** After each epoch, the network as it is then. */
  onEpoch?(epoch: FinishedEpoch, position: Position): void | Promise<void>;
  /** Every ten minutes, and where the run is interrupted: a good time to save. */
  onPause?(position: Position): void | Promise<void>;
}

/** How a network is trained. */
export interface FitOptions extends StepOptions, AutotuneOptions, FitListener {
  /** The images. */
  readonly data: ImageSet | StreamedSet;
  /** Passes over the training images. */
  readonly epochs: number;
  /** The learning rate of the first epoch. Default: 0.1. */
  readonly learningRate?: number;
  /** The epochs, from 1, at whose start the learning rate drops. Default: 60, 120 and 160. */
  readonly dropEpochs?: readonly number[];
  /** The factor of a drop. Default: 0.2. */
  readonly dropRatio?: number;
  /** How the learning rate grows with the number of ranks. Default: `none`. */
  readonly rateScale?: RateScale;
  /** Steps between two fetches of the losses, each of which waits for the GPU. Default: 50. */
  readonly logEvery?: number;
  /** The steps, from the start of the run, after which it ends. Default: unbounded. */
  readonly maxSteps?: number;
  /** Ends the run after the step under way. */
  readonly signal?: AbortSignal;
  /** Where an earlier run stopped, and its momentum. */
  readonly resume?: { readonly position: Position; readonly restore: (trainer: Trainer) => void };
  /** Called once with the trainer, whose momentum a checkpoint needs. */
  onStart?(trainer: Trainer): void;
}

const SECONDS_BETWEEN_PAUSES = 600;

/** Lets signals in, and results that have come: a turn of the event loop, far shorter than a timer's. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Trains a network.
 *
 * @param model The network; its parameters change.
 * @returns The evaluation after the last epoch, `null` if the run was interrupted or there was nothing left to do.
 * @throws {NonFiniteError} If a step has a number that is not finite and such steps are not left out; the network is then
 * as it was before that step.
 * @example
 * ```ts
 * import { fit, Gpu, groupWidths, shapes, wideResNet } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * using model = wideResNet(gpu, { depth: 10, widths: groupWidths(0.25), classes: 10, seed: 0 });
 * const data = shapes({ train: 16, test: 8 });
 * const evaluation = await fit(model, { data, epochs: 1, batchSize: 8 });
 * assert.ok(evaluation !== null && evaluation.accuracy >= 0);
 * ```
 */
export async function fit(model: Model, options: FitOptions): Promise<Evaluation | null> {
  const { gpu } = model.parameters;
  const { data } = options;
  if (options.dtype === "f16") gpu.wantHalf("train in half precision");
  using train = openTrainingFeed(gpu, data, options);
  using test = openTestFeed(gpu, data, options);
  using trainer = new Trainer(model, withDefaults(options, train));
  const { objective } = trainer;
  const { teacher, topFive = false, dtype = "f32" } = trainer.options;
  const { world = soloWorld() } = options;
  using evaluator = new Evaluator(model, { feed: test, teacher, objective, topFive, dtype, world });
  options.onStart?.(trainer);
  options.resume?.restore(trainer);
  await shareState(trainer, world);
  const position = await shareValue(options.resume?.position ?? START, world);
  const chosen = await chooseVariants(gpu, {
    rehearsals: [...trainer.rehearsals, ...evaluator.rehearsals],
    autotune: options.autotune,
    variants: options.variants,
    cacheFolder: options.cacheFolder,
    signal: options.signal,
    onProgress: (state) => options.onTuning?.(state),
    onNote: options.onNote,
  });
  const variants = await shareValue(chosen, world);
  if (variants !== null) {
    trainer.variants = evaluator.variants = variants;
    await options.onVariants?.(variants);
  }
  return await new Loop(trainer, evaluator, { ...options, world, position }).run();
}

const START: Position = { step: 0, stepsOfEpoch: [] };

/** What a loop is told beside the rest. */
interface LoopOptions extends FitOptions {
  readonly world: World;
  /** Where it begins. */
  readonly position: Position;
}

/** The loop over epochs and steps, and its clock. */
class Loop {
  readonly #flight = new Flight();
  #step: number;
  #steps: FinishedStep[];
  #unread: Submitted[] = [];
  /** The last reading of results, which rejects where something went wrong. */
  #reading: Promise<void> | null = null;
  /** Whether the results of that reading are not there yet. */
  #isTaking = false;
  #paused = performance.now();
  #isPauseDue = false;
  #waited = 0;

  constructor(
    readonly trainer: Trainer,
    readonly evaluator: Evaluator,
    readonly options: LoopOptions,
  ) {
    this.#step = options.position.step;
    this.#steps = [...options.position.stepsOfEpoch];
  }

  async run(): Promise<Evaluation | null> {
    const { epochs, maxSteps = Infinity } = this.options;
    const perEpoch = this.trainer.stepsPerEpoch;
    const end = Math.min(epochs * perEpoch, maxSteps);
    let evaluation: Evaluation | null = null;
    while (this.#step < end || (evaluation === null && this.#steps.length > 0)) {
      const epoch = Math.floor(this.#step / perEpoch) + 1;
      const rate = this.#beginEpoch(epoch, { isNew: this.#step % perEpoch === 0 });
      const epochEnd = Math.min(epoch * perEpoch, end);
      while (this.#step < epochEnd && !await this.#isStopped()) {
        await this.#advance({ epoch, rate });
      }
      await this.#drain();
      if (this.#step < epochEnd) {
        await this.#pause();
        return null;
      }
      evaluation = await this.#finishEpoch(epoch, { isWhole: this.#step === epoch * perEpoch });
      if (this.#step < end && await this.#isStopped()) return null;
    }
    return evaluation;
  }

  /** Whether a rank was told to stop; beside that, all learn when it is time for rank 0 to save. */
  async #isStopped(): Promise<boolean> {
    const { signal, world } = this.options;
    const isStopped = signal?.aborted ?? false;
    const isDue = performance.now() - this.#paused > 1000 * SECONDS_BETWEEN_PAUSES;
    const words = Uint32Array.of(isStopped ? 1 : 0, isDue && world.rank === 0 ? 1 : 0);
    await world.max(words);
    this.#isPauseDue = words[1] === 1;
    return words[0] === 1;
  }

  #beginEpoch(epoch: number, { isNew }: { isNew: boolean }): number {
    const { learningRate = 0.1, dropRatio = 0.2, dropEpochs = [60, 120, 160] } = this.options;
    const { rate, dropped } = stepSchedule(epoch, {
      rate: learningRate,
      ratio: dropRatio,
      epochs: dropEpochs,
    });
    if (isNew) {
      this.#steps = [];
      if (dropped) this.trainer.resetMomentum();
    }
    this.trainer.beginEpoch(epoch, { rate });
    return rate;
  }

  async #advance({ epoch, rate }: { epoch: number; rate: number }): Promise<void> {
    if (this.trainer.plan === null) this.options.onPlan?.(await this.trainer.prepare());
    const scaled = rate * warmUp(this.#step, {
      stepsPerEpoch: this.trainer.stepsPerEpoch,
      ranks: this.options.world.size,
      scale: this.options.rateScale ?? "none",
    });
    this.trainer.setRate(scaled);
    const images = await this.trainer.submit(this.#step);
    const submitted = { step: this.#step, epoch, rate: scaled, images };
    this.#unread.push(submitted);
    this.#flight.add(submitted);
    this.#step++;
    const isDue = this.#step % (this.options.logEvery ?? 50) === 0;
    if (isDue || this.trainer.isFull) {
      await this.#reading;
      this.#reading = this.#read();
      // Whoever waits for it next throws what went wrong.
      this.#reading.catch(() => {});
      // What ranks exchange must come in the same order on all.
      if (this.options.world.size > 1) await this.#reading;
    }
    if (this.#flight.isFull || this.trainer.isSated) {
      await (this.#isTaking ? this.#reading : this.#wait());
    } else await turn();
    if (this.#isPauseDue) {
      await this.#drain();
      await this.#pause();
    }
  }

  /** Waits for the GPU without reading anything. */
  async #wait(): Promise<void> {
    const landed = this.#flight.count;
    await this.trainer.wait();
    await this.#tell(this.#flight.land(landed));
  }

  /** Fetches the results of all steps so far; other steps may follow before they are there. */
  async #read(): Promise<void> {
    const steps = this.#unread;
    this.#unread = [];
    const landed = this.#flight.count;
    this.#isTaking = true;
    const results = await this.trainer.take();
    this.#isTaking = false;
    const seconds = this.#flight.lap() / results.length;
    const finished = results.map((result, at) => ({
      ...steps[at] ?? { step: NaN, epoch: NaN, rate: NaN, images: NaN },
      ...result,
      seconds,
    }));
    const fault = this.trainer.options.onNonfinite === "skip" ? undefined : finished.find(hasFault);
    const told = fault === undefined ? finished : finished.slice(0, finished.indexOf(fault));
    this.#steps.push(...told);
    const progress = this.#flight.land(landed);
    if (told.length > 0) await this.#flight.unlessFlying(() => this.options.onSteps?.(told));
    if (fault !== undefined) throw new NonFiniteError(fault);
    await this.#tell(progress);
  }

  async #tell(landed: Landed | null): Promise<void> {
    if (landed === null) return;
    const { waitedSeconds, mostInFlight } = this.trainer.options.feed;
    const waited = { waitedSeconds: waitedSeconds - this.#waited };
    this.#waited = waitedSeconds;
    const told = mostInFlight === Infinity ? landed : { ...landed, ...waited };
    await this.#flight.unlessFlying(() => this.options.onProgress?.(told));
  }

  /** Waits until every step's results are there. */
  async #drain(): Promise<void> {
    await this.#reading;
    if (this.#unread.length > 0) await this.#read();
  }

  async #pause(): Promise<void> {
    await this.#flight.unlessFlying(() =>
      this.options.onPause?.({ step: this.#step, stepsOfEpoch: [...this.#steps] })
    );
    this.#paused = performance.now();
  }

  async #finishEpoch(epoch: number, { isWhole }: { isWhole: boolean }): Promise<Evaluation> {
    return await this.#flight.unlessFlying(async () => {
      const { world } = this.options;
      await wantSameParameters(this.trainer, { epoch, world });
      // The statistics of each rank are those of its images; rank 0's are saved, and so evaluated.
      await shareTensors([this.trainer.model.parameters.flatStatistics], world);
      const began = performance.now();
      const evaluation = await this.evaluator.run();
      const evaluationSeconds = (performance.now() - began) / 1000;
      const finished = { epoch, isWhole, steps: this.#steps, evaluation, evaluationSeconds };
      await this.options.onEpoch?.(finished, {
        step: this.#step,
        stepsOfEpoch: isWhole ? [] : this.#steps,
      });
      return evaluation;
    });
  }
}
