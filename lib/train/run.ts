import config from "../../deno.json" with { type: "json" };
import type { Plan } from "../gpu/plan.ts";
import type { TuningState } from "../gpu/tuner.ts";
import type { Variants } from "../gpu/tuning.ts";
import type { Model } from "../models/model.ts";
import type { World } from "../mpi/world.ts";
import { formatSafetensors } from "../weights/safetensors.ts";
import type { Autotune } from "./autotune.ts";
import { stepsPerEpoch } from "./batches.ts";
import { type Checkpoint, formatCheckpoint, readCheckpoint } from "./checkpoint.ts";
import {
  type FinishedEpoch,
  type FinishedStep,
  fit,
  type FitListener,
  type Position,
} from "./fit.ts";
import type { Landed } from "./flight.ts";
import { type ImageSet, type StreamedSet, trainingCount } from "./image_set.ts";
import { type EpochResult, meanAndStd, stepLine } from "./log.ts";
import { numberAt } from "./parse_log.ts";
import { readVariants } from "./read_variants.ts";
import { RUN_FILES, type RunFolder } from "./run_folder.ts";
import type { RunKind } from "./run_kind.ts";
import { type RunSettings, skipsSteps } from "./settings/run_settings.ts";
import { isSkipped, soundSteps } from "./step_result.ts";
import type { Trainer } from "./trainer.ts";

/** What a run trains with and on. */
export interface RunOptions<Settings extends RunSettings> {
  /** What it trains, and how it logs. */
  readonly kind: RunKind<Settings>;
  /** The settings. */
  readonly settings: Readonly<Settings>;
  /** The images. */
  readonly data: ImageSet | StreamedSet;
  /** The teacher, `null` for none. */
  readonly teacher: Model | null;
  /** The ranks that train together. Default: this process alone. */
  readonly world?: World | undefined;
  /** Ends the run after the step under way, so that it can be resumed. */
  readonly signal?: AbortSignal;
  /** How kernels are chosen; a run that is resumed keeps those it began with. */
  readonly autotune?: Autotune | undefined;
  /** The folder where the tuner keeps what it finds out. Default: that of the platform. */
  readonly cacheFolder?: string | undefined;
  /** Told how far the tuning of kernels is. */
  readonly onTuning?: (state: TuningState) => void;
  /** Told which variants of their kernels the ops run. */
  readonly onVariants?: (variants: Variants) => void;
  /** Told what a person may want to know of the choice of kernels. */
  readonly onNote?: ((note: string) => void) | undefined;
  /** Told where the step's tensors live, before the first step. */
  readonly onPlan?: (plan: Plan) => void;
  /** Told how far the GPU is. */
  readonly onProgress?: (landed: Landed) => void;
  /** Told of the steps that are over, where a line of `steps.jsonl` is due. */
  readonly onSteps?: (steps: readonly FinishedStep[]) => void;
  /** Told of each epoch. */
  readonly onEpoch?: (epoch: FinishedEpoch) => void;
}

/** What a resumed run goes on from. */
interface Past {
  readonly checkpoint: Checkpoint;
  readonly variants: Variants | undefined;
}

/** The files of a checkpoint, every number of them finite. */
interface Saved {
  readonly weights: Uint8Array;
  readonly checkpoint: Uint8Array;
}

/** A training whose settings, logs, weights and checkpoints go into a folder. */
export class Run<Settings extends RunSettings> {
  #unlogged: FinishedStep[] = [];
  #best: number | null = null;
  #trainer: Trainer | null = null;
  #skipped = 0;

  private constructor(
    readonly model: Model,
    /** Where it writes; `null` on a rank that leaves that to rank 0. */
    readonly folder: RunFolder | null,
    readonly options: RunOptions<Settings>,
    private readonly past: Past | null,
  ) {
    this.#unlogged = [...past?.checkpoint.progress.unlogged ?? []];
    this.#best = past?.checkpoint.progress.best ?? null;
    this.#skipped = past?.checkpoint.progress.skipped ?? 0;
  }

  /** Starts a run in an empty folder. */
  static async start<Settings extends RunSettings>(
    model: Model,
    { folder, ...options }: RunOptions<Settings> & { folder: RunFolder },
  ): Promise<Run<Settings>> {
    await folder.writeConfig(options.settings);
    await folder.write(RUN_FILES.steps, "");
    return new Run(model, folder, options, null);
  }

  /** Takes part in a run as another rank than 0, from whose start or checkpoint it goes on. */
  static follow<Settings extends RunSettings>(
    model: Model,
    options: RunOptions<Settings>,
  ): Run<Settings> {
    return new Run(model, null, { ...options, autotune: "off" }, null);
  }

  /**
   * Takes up a run where its last checkpoint left it. Log lines from after that are dropped, since they will be
   * written again.
   *
   * @throws {Error} If there is no readable checkpoint.
   */
  static async resume<Settings extends RunSettings>(
    model: Model,
    { folder, ...options }: RunOptions<Settings> & { folder: RunFolder },
  ): Promise<Run<Settings>> {
    const checkpoint = await readCheckpoint(folder.file(RUN_FILES.checkpoint));
    const { position, best } = checkpoint.progress;
    // A run of a version without variants took the fixed table's; one that was stopped while tuning has made no step.
    const variants = readVariants(await folder.readConfig(), folder.file("config.json")) ??
      (position.step > 0 ? {} : undefined);
    const { settings, data } = options;
    const epoch = Math.floor(position.step / stepsOf(settings, data)) + 1;
    await folder.dropLinesFrom(
      RUN_FILES.steps,
      (line) => (numberAt(line, "step") ?? Infinity) >= position.step,
    );
    await folder.dropLinesFrom(
      RUN_FILES.log,
      (line) => (numberAt(line, "epoch") ?? Infinity) >= epoch,
    );
    if (await folder.has(RUN_FILES.bestBefore)) {
      await folder.rename(RUN_FILES.bestBefore, RUN_FILES.best);
    } else if (best === null) await folder.remove(RUN_FILES.best);
    await folder.writeConfig({ ...settings, variants });
    return new Run(model, folder, options, { checkpoint, variants });
  }

  /** The steps so far that changed nothing for a number that was not finite, those before a resume counted. */
  get skippedSteps(): number {
    return this.#skipped;
  }

  /** Whether a run that is resumed was at its end already. */
  get wasFinished(): boolean {
    const { settings, data } = this.options;
    const step = this.past?.checkpoint.progress.position.step ?? 0;
    return step >=
      Math.min(settings.epochs * stepsOf(settings, data), settings.max_steps ?? Infinity);
  }

  /**
   * Trains to the end or to the signal.
   *
   * @returns Whether the end was reached.
   */
  async train(): Promise<boolean> {
    const { kind, settings, data, teacher, signal, world } = this.options;
    const { checkpoint = null, variants } = this.past ?? {};
    const evaluation = await fit(this.model, {
      data,
      teacher,
      ...kind.stepOptions(settings, { model: this.model, teacher }),
      epochs: settings.epochs,
      learningRate: settings.lr,
      dropEpochs: settings.epoch_step,
      dropRatio: settings.lr_decay_ratio,
      rateScale: settings.lr_scale,
      world,
      syncsStatistics: settings.sync_bn,
      exchangeDtype: settings.allreduce_dtype,
      ...(settings.max_steps === null ? {} : { maxSteps: settings.max_steps }),
      ...(signal === undefined ? {} : { signal }),
      ...(checkpoint === null ? {} : {
        resume: {
          position: checkpoint.progress.position,
          restore: (trainer: Trainer) => checkpoint.restore(trainer),
        },
      }),
      autotune: this.options.autotune,
      cacheFolder: this.options.cacheFolder,
      variants,
      onNote: this.options.onNote,
      logEvery: settings.log_every,
      onStart: (trainer) => this.#trainer = trainer,
      ...(this.folder === null ? {} : this.#writeTo(this.folder)),
    });
    // A signal that came after the last step left nothing to do.
    return evaluation !== null || !(signal?.aborted ?? false);
  }

  /** What is written and told while it trains. */
  #writeTo(folder: RunFolder): FitListener {
    const { settings, onPlan, onProgress } = this.options;
    return {
      onTuning: (state) => this.options.onTuning?.(state),
      onVariants: async (chosen) => {
        const { adapter } = this.model.parameters.gpu;
        const where = { adapter: adapter.name, version: config.version };
        await folder.writeConfig({ ...settings, variants: chosen, ...where });
        this.options.onVariants?.(chosen);
      },
      ...(onPlan === undefined ? {} : { onPlan }),
      ...(onProgress === undefined ? {} : { onProgress }),
      onSteps: (steps) => this.#logSteps(folder, steps),
      onEpoch: (epoch, position) => this.#finishEpoch(folder, epoch, position),
      onPause: async (position) => await write(folder, await this.#format(position)),
    };
  }

  async #logSteps(folder: RunFolder, steps: readonly FinishedStep[]): Promise<void> {
    for (const step of steps) {
      if (isSkipped(step)) this.#skipped++;
      this.#unlogged.push(step);
      if ((step.step + 1) % this.options.settings.log_every !== 0) continue;
      await folder.appendLine(RUN_FILES.steps, this.#lineOf(this.#unlogged));
      this.#unlogged = [];
    }
    this.options.onSteps?.(steps);
  }

  async #finishEpoch(
    folder: RunFolder,
    epoch: FinishedEpoch,
    position: Position,
  ): Promise<void> {
    const { options } = this;
    const { accuracy } = epoch.evaluation;
    const best = this.#best;
    const isBest = best === null || accuracy > best;
    if (isBest && epoch.isWhole) this.#best = accuracy;
    // Nothing is written before it is known that all of it is finite.
    const saved = await this.#format(position);
    await folder.appendLine(RUN_FILES.log, this.#wordEpoch(epoch));
    if (isBest) {
      if (!epoch.isWhole && best !== null) {
        await folder.write(RUN_FILES.bestBefore, await Deno.readFile(folder.file(RUN_FILES.best)));
      }
      await folder.write(RUN_FILES.best, saved.weights);
    }
    await write(folder, saved);
    options.onEpoch?.(epoch);
  }

  #wordEpoch(epoch: FinishedEpoch): string {
    const { kind, settings } = this.options;
    const { model } = this;
    return kind.epochLine(settings, resultOf(epoch, { model, counts: skipsSteps(settings) }));
  }

  #lineOf(steps: readonly FinishedStep[]): string {
    return lineOf(steps, { counts: skipsSteps(this.options.settings) });
  }

  /** The files of a checkpoint. */
  async #format(position: Position): Promise<Saved> {
    const trainer = this.#trainer;
    if (trainer === null) throw new TypeError("Cannot save a run: wanted one that trains");
    const weights = await this.model.parameters.save();
    const epochs = Math.floor(position.step / trainer.stepsPerEpoch);
    const progress = {
      position,
      epochs,
      unlogged: this.#unlogged,
      skipped: this.#skipped,
      best: this.#best,
    };
    const checkpoint = await formatCheckpoint(trainer, { weights, progress });
    return { weights: formatSafetensors(weights), checkpoint };
  }
}

async function write(folder: RunFolder, { weights, checkpoint }: Saved): Promise<void> {
  await folder.write(RUN_FILES.last, weights);
  await folder.write(RUN_FILES.checkpoint, checkpoint);
}

/** The steps of an epoch, whatever the number of batches that a step adds up. */
function stepsOf({ batch_size: batchSize }: RunSettings, data: ImageSet | StreamedSet): number {
  return stepsPerEpoch({ count: trainingCount(data), batchSize, shuffle: true });
}

function mean(steps: readonly FinishedStep[], value: (step: FinishedStep) => number): number {
  return steps.reduce((sum, step) => sum + value(step), 0) / steps.length;
}

/** Where steps may be skipped, how many were, and where there is a loss scale, how it stands. */
function skippingOf(steps: readonly FinishedStep[], { counts }: { counts: boolean }) {
  const scaling = steps.at(-1)?.scaling;
  return {
    ...(scaling === undefined ? {} : { loss_scale: scaling.scale }),
    ...(counts ? { skipped_steps: steps.filter(isSkipped).length } : {}),
  };
}

/** The attention loss of each group, step by step. */
function groups(steps: readonly FinishedStep[]): number[][] {
  const first = steps[0]?.losses["attention"] ?? [];
  return first.map((_, group) => steps.map(({ losses }) => losses["attention"]?.[group] ?? NaN));
}

/** The mean of each other term, its groups added up. */
function termsOf(steps: readonly FinishedStep[]): Record<string, number> {
  const names = Object.keys(steps[0]?.losses ?? {}).filter((name) => name !== "attention");
  return Object.fromEntries(names.map((name) => [
    name,
    mean(steps, ({ losses }) => (losses[name] ?? [NaN]).reduce((sum, loss) => sum + loss, 0)),
  ]));
}

function lineOf(steps: readonly FinishedStep[], options: { counts: boolean }): string {
  const last = steps.at(-1);
  const sound = soundSteps(steps);
  const seconds = steps.reduce((sum, step) => sum + step.seconds, 0);
  return stepLine({
    step: last?.step ?? NaN,
    epoch: last?.epoch ?? NaN,
    loss: mean(sound, ({ loss }) => loss),
    at_losses: groups(sound).map((values) => meanAndStd(values)[0]),
    term_losses: termsOf(sound),
    lr: last?.rate ?? NaN,
    images_per_s: steps.reduce((sum, { images }) => sum + images, 0) / seconds,
    ...skippingOf(steps, options),
  });
}

function resultOf(
  { epoch, steps, evaluation, evaluationSeconds }: FinishedEpoch,
  { model: { classes, parameters }, counts }: { model: Model; counts: boolean },
): EpochResult {
  const sound = soundSteps(steps);
  const images = sound.reduce((sum, step) => sum + step.images, 0);
  const share = (right: (step: FinishedStep) => number) =>
    100 * sound.reduce((sum, step) => sum + right(step), 0) / images;
  return {
    train_loss: mean(sound, ({ loss }) => loss),
    train_acc: share(({ right }) => right),
    train_top5: share(({ topFive = NaN }) => topFive),
    test_loss: evaluation.loss,
    test_loss_total: evaluation.totalLoss,
    test_acc: evaluation.accuracy,
    test_top5: evaluation.topFive ?? NaN,
    epoch,
    num_classes: classes,
    n_parameters: parameters.count({ statistics: true }),
    n_trainable: parameters.count({ statistics: false }),
    train_time: steps.reduce((sum, { seconds }) => sum + seconds, 0),
    test_time: evaluationSeconds,
    at_losses: groups(sound).map(meanAndStd),
    term_losses: termsOf(sound),
    ...skippingOf(steps, { counts }),
  };
}
