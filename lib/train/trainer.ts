import type { Gpu } from "../gpu/device.ts";
import type { Plan } from "../gpu/plan.ts";
import type { RealType } from "../gpu/dtype.ts";
import { Program } from "../gpu/program.ts";
import type { Variants } from "../gpu/tuning.ts";
import { StepValues } from "../gpu/step_values.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { gradients } from "../gradients.ts";
import type { LossTerm } from "../losses/loss_term.ts";
import { Objective } from "../losses/objective.ts";
import { freeze, type FrozenModel, type Model } from "../models/model.ts";
import { accumulate } from "../ops/accumulate.ts";
import { multiply } from "../ops/multiply.ts";
import type { World } from "../mpi/world.ts";
import { storedQuads } from "../ops/shapes.ts";
import { topK } from "../ops/top_k.ts";
import { Inspection } from "../optim/inspection.ts";
import { LossScale, type LossScaleOptions } from "../optim/loss_scale.ts";
import { flatGradients, sgd } from "../optim/sgd.ts";
import { watch, withoutGradients } from "../tape.ts";
import type { ParameterSet } from "../weights/parameter_set.ts";
import { withSmallerBatch } from "./batch_memory.ts";
import { accumulatedSteps, batchAt, partsOf, stepsPerEpoch, withoutShare } from "./batches.ts";
import { Exchange, type ExchangeOptions, type ExchangeTimes } from "./exchange.ts";
import type { ImageFeed } from "./feed.ts";
import { ofAllRanks } from "./gather_rows.ts";
import { History } from "./history.ts";
import { Learned } from "./learned.ts";
import type { OnNonfinite } from "./non_finite.ts";
import { type StepResult, stepResult } from "./step_result.ts";
import { SyncedStatistics } from "./synced_statistics.ts";

/** Whose mean and variance batch normalisation uses in each network, in a step. */
export interface Statistics {
  /** In the network that learns: the batch's, which move its running ones, or the running ones as they are. */
  readonly student: "batch" | "running";
  /** In the teacher, whose running ones stay either way. */
  readonly teacher: "batch" | "running";
}

/** How a network is trained, apart from when to stop. */
export interface TrainerOptions {
  /** Where the batches come from. */
  readonly feed: ImageFeed;
  /** The terms of the objective. */
  readonly objective: readonly LossTerm[];
  /** The network to learn from, as it is when the trainer is made; `null` for none. */
  readonly teacher: Model | null;
  /** What normalises. Default: the batch for the network that learns, running statistics for the teacher. */
  readonly statistics?: Partial<Statistics>;
  /**
   * Batches whose gradients add up to those of one step, each weighed by its images. Default: 1. Batch normalisation
   * sees each batch by itself.
   */
  readonly accumulate?: number;
  /** Whether labels among the five largest logits are counted too. Default: false. */
  readonly topFive?: boolean;
  /** The momentum's factor. */
  readonly momentum: number;
  /** Weight decay on every trainable parameter. */
  readonly weightDecay: number;
  /** Nesterov's form of momentum. */
  readonly nesterov: boolean;
  /** What activations and their gradients are stored as. Default: float32. f16 comes with a loss scale. */
  readonly dtype?: RealType;
  /** Settings of that loss scale. */
  readonly lossScale?: LossScaleOptions;
  /**
   * What happens after a step whose loss, running statistics or gradients have a number that is not finite, which itself
   * changes nothing: with `skip` training goes on, else no later step changes anything either.
   */
  readonly onNonfinite?: OnNonfinite;
  /** The ranks that train together, each on its share of every batch. Default: this process alone. */
  readonly world?: World | undefined;
  /** Whether batch normalisation has the statistics of all ranks, not of each by itself. Default: false. */
  readonly syncsStatistics?: boolean | undefined;
  /** What gradients are rounded to on their way to other ranks. Default: `float`, as they are. */
  readonly exchangeDtype?: ExchangeOptions["dtype"] | undefined;
}

/** The steps of a training: one recorded program a batch size, replayed. */
export class Trainer implements Disposable {
  /** The objective. */
  readonly objective: Objective;
  /** What learns: the network, and after it the objective's own parameters, where it has any. */
  readonly learned: readonly [Learned, ...Learned[]];
  /** The loss scale, `null` in float32. */
  readonly lossScale: LossScale | null;
  /** Which variants of their kernels the ops of a step run; the fixed table's unless set before the first step. */
  variants: Variants = {};
  readonly #programs = new Map<string, Program<null>>();
  readonly #values: StepValues<"rate" | "row">;
  readonly #history: History;
  readonly #inspection: Inspection;
  readonly #teacher: FrozenModel | null;
  /** A scalar: the batch's part of the step's images; `null` where each batch is a step. */
  readonly #share: Tensor | null;
  /** Sums the gradients of all ranks; `null` for one alone. */
  readonly #exchange: Exchange | null;
  /** Gives batch normalisation the statistics of all ranks; `null` where each has its own. */
  readonly #synced: SyncedStatistics | null;
  #update: Program<null> | null = null;
  #untaken: (readonly number[])[] = [];
  #flying = 0;
  /** The objective's terms and the number of scalars of each, as a row of the history has them. */
  #terms: readonly (readonly [name: string, scalars: number])[] = [];

  /**
   * Prepares to train a network.
   *
   * @param model The network; its parameters change with every step.
   * @param options How it is trained.
   */
  constructor(
    /** The network. */
    readonly model: Model,
    /** How it is trained. */
    readonly options: TrainerOptions,
  ) {
    const { gpu } = model.parameters;
    const { teacher, dtype, statistics, accumulate = 1, world } = options;
    if (dtype === "f16") gpu.wantHalf("train in half precision");
    this.#inspection = new Inspection(gpu, {
      statistics: model.parameters.flatStatistics,
      stops: options.onNonfinite !== "skip",
    });
    this.lossScale = dtype === "f16"
      ? new LossScale(gpu, { ...options.lossScale, inspection: this.#inspection })
      : null;
    this.objective = new Objective(gpu, options.objective);
    this.#teacher = teacher === null ? null : heldStill(teacher, statistics);
    this.#values = new StepValues(gpu, ["rate", "row"]);
    this.#history = new History(gpu);
    const accumulates = accumulate !== 1;
    const isShared = world !== undefined && world.size > 1;
    this.#share = accumulates || isShared
      ? gpu.tensor([1], [], { label: "share of a batch" })
      : null;
    const { parameters } = this.objective;
    this.learned = [
      new Learned(model.parameters, { accumulates }),
      ...(parameters === null ? [] : [new Learned(parameters, { accumulates })]),
    ];
    this.#exchange = isShared
      ? new Exchange(gpu, this.#sums, this.#inspection.found, {
        world,
        dtype: options.exchangeDtype,
      })
      : null;
    this.#synced = isShared && options.syncsStatistics === true
      ? new SyncedStatistics(gpu, world)
      : null;
  }

  /** Where the gradients of a step are in the end, where its batches have not made a step of their own. */
  get #sums(): Tensor[] {
    return this.learned.map(({ sum, parameters }) => sum ?? this.#inspection.room(parameters.flat));
  }

  /** What the gradients of all ranks have cost; `null` for one alone. */
  get exchangeTimes(): ExchangeTimes | null {
    return this.#exchange?.times ?? null;
  }

  /** The momentum of each of the network's trainable parameters. */
  get velocity(): ParameterSet {
    return this.learned[0].velocity;
  }

  /** The batches whose gradients add up to those of one step. */
  get accumulate(): number {
    return this.options.accumulate ?? 1;
  }

  /** The steps of an epoch. */
  get stepsPerEpoch(): number {
    return accumulatedSteps(this.options.feed.batching, this.accumulate);
  }

  /** The first batch, which is a full one unless the whole set is smaller, and where it has other sizes the last one. */
  get #batches(): [RankBatch, ...RankBatch[]] {
    const { batching } = this.options.feed;
    const batch = (at: number) => ({
      size: batchAt(at, batching).size,
      whole: batchAt(at, withoutShare(batching)).size,
    });
    const [full, last] = [batch(0), batch(stepsPerEpoch(batching) - 1)];
    return keyOf(full) === keyOf(last) ? [full] : [full, last];
  }

  get #fullBatch(): RankBatch {
    return this.#batches[0];
  }

  /** The full batch's step as it was recorded, `null` before the first. */
  get program(): Program<null> | null {
    return this.#programs.get(keyOf(this.#fullBatch)) ?? null;
  }

  /** Its plan, `null` before the first. */
  get plan(): Plan | null {
    return this.program?.plan ?? null;
  }

  /**
   * Records the full batch's step, unless that is done: what it will take is known before anything runs.
   *
   * @returns Its plan.
   * @throws {RangeError} If the batch does not fit the adapter.
   */
  async prepare(): Promise<Plan> {
    return (await this.#program(this.#fullBatch)).plan;
  }

  /** The steps submitted whose results have not been taken. */
  get pending(): number {
    return this.#untaken.length;
  }

  /** Whether {@link Trainer.take} must come before another step. */
  get isFull(): boolean {
    // One row a batch, and one for how their step ended.
    const rows = this.#share === null ? 1 : this.accumulate + 1;
    return this.#history.room < rows;
  }

  /** Whether the GPU must be waited for before more images are sent there. */
  get isSated(): boolean {
    return this.#flying >= this.options.feed.mostInFlight;
  }

  /** Functions that record a step of each batch size that occurs, the most frequent first, for the tuner to learn. */
  get rehearsals(): (() => void)[] {
    return this.#batches.map((batch) => () => void this.#build(batch));
  }

  /** Draws the order of an epoch, and sets its learning rate and the objective's weights. */
  beginEpoch(epoch: number, { rate }: { rate: number }): void {
    this.options.feed.beginEpoch(epoch);
    this.objective.beginEpoch(epoch);
    this.setRate(rate);
  }

  /** Sets the learning rate of the steps that follow. */
  setRate(rate: number): void {
    this.#values.setFloat("rate", rate);
  }

  /** Zeroes the momentum. */
  resetMomentum(): void {
    for (const { velocity } of this.learned) this.#gpu.clear(velocity.flat.storage);
  }

  /**
   * Submits a step and returns without waiting for it.
   *
   * @param step The step's number, from the start of the run.
   * @returns The number of images.
   * @throws {RangeError} If the batch does not fit the adapter.
   */
  async submit(step: number): Promise<number> {
    const { feed } = this.options;
    const { first, sizes } = partsOf(step, feed.batching, this.accumulate);
    const wholes = partsOf(step, withoutShare(feed.batching), this.accumulate).sizes;
    const images = wholes.reduce((sum, size) => sum + size, 0);
    for (const { sum } of this.learned) if (sum !== null) this.#gpu.clear(sum.storage);
    for (const [part, size] of sizes.entries()) {
      const program = await this.#program({ size, whole: wholes[part] ?? size });
      if (part > 0 && this.isSated) await this.wait();
      await feed.load(first + part);
      this.#flying++;
      this.#share?.write(Float32Array.of(size / images));
      if (this.#synced !== null) this.#synced.images = size;
      await this.#run(program, { isFirst: part === 0, isLast: part === sizes.length - 1 });
    }
    if (this.#share !== null) {
      this.#update ??= await this.#recordUpdate();
      await this.#exchange?.done();
      await this.#run(this.#update);
    }
    this.#untaken.push(sizes);
    return images;
  }

  get #gpu(): Gpu {
    return this.model.parameters.gpu;
  }

  async #run(program: Program<null>, { isFirst = false, isLast = false } = {}): Promise<void> {
    this.#values.setInteger("row", this.#history.nextRow());
    this.#values.upload();
    const keep = (encoder: GPUCommandEncoder) => this.#inspection.keep(encoder);
    const options = isFirst ? { before: keep } : {};
    if (this.#exchange === null) program.run(options);
    else await this.#exchange.run(program, { ...options, ends: isLast });
  }

  /** Waits for the steps submitted so far, without reading anything. */
  async wait(): Promise<void> {
    const flying = this.#flying;
    await this.#gpu.device.queue.onSubmittedWorkDone();
    await this.#gpu.settled();
    this.#flying -= flying;
  }

  /** Waits for the steps submitted so far and returns what they came to, in order. */
  async take(): Promise<StepResult[]> {
    const flying = this.#flying;
    const untaken = this.#untaken;
    this.#untaken = [];
    const rows = await this.#history.take();
    this.#flying = Math.max(0, this.#flying - flying);
    const isScaled = this.lossScale !== null;
    const { topFive = false } = this.options;
    const nameAt = (place: number) => this.#nameAt(place);
    const own = untaken.map((sizes) => ({
      sizes,
      rows: rows.splice(0, sizes.length),
      end: this.#share === null ? undefined : rows.shift(),
    }));
    const { world } = this.options;
    const steps = this.#exchange === null || world === undefined
      ? own
      : await ofAllRanks(own, world);
    return steps.map(({ rows, sizes, end }) =>
      stepResult(rows, { sizes, topFive, terms: this.#terms, isScaled, end, nameAt })
    );
  }

  /** The name of what is inspected at a place, in vec4s. */
  #nameAt(place: number): string {
    const { parameters: { statistics } } = this.learned[0];
    const inspected = [{ tensors: statistics, first: 1 }];
    let first = this.#inspection.firstGradient;
    for (const { parameters: { trainable, flat } } of this.learned) {
      inspected.push({ tensors: trainable, first });
      first += storedQuads(flat);
    }
    const begun = inspected.flatMap(({ tensors, first }) =>
      tensors.filter(({ storage }) => first + storage.range.offset / 16 <= place)
    );
    return begun.at(-1)?.label ?? "loss";
  }

  async #program(batch: RankBatch): Promise<Program<null>> {
    const found = this.#programs.get(keyOf(batch));
    if (found !== undefined) return found;
    const gpu = this.#gpu;
    const action = `train ${this.model.name}`;
    const build = (batch: RankBatch) => gpu.tuning.with(this.variants, () => this.#build(batch));
    try {
      const program = await Program.record(gpu, { label: action, build: () => build(batch) });
      this.#programs.set(keyOf(batch), program);
      return program;
    } catch (error) {
      const ranks = batch.whole / Math.max(1, batch.size);
      throw await withSmallerBatch(error, {
        action,
        batch: batch.size,
        gpu,
        build: (size) => build({ size, whole: Math.ceil(size * ranks) }),
        others: this.#programs.values(),
      });
    }
  }

  #build({ size, whole }: RankBatch): null {
    // A rank without an image computes one that does not count, since the others wait for it.
    const batch = Math.max(1, size);
    this.#synced?.begin({ batch, whole });
    const gpu = this.#gpu;
    gpu.synchroniser = this.#synced;
    try {
      return this.#buildBatch(batch);
    } finally {
      gpu.synchroniser = null;
    }
  }

  #buildBatch(batch: number): null {
    const { feed, topFive = false, dtype = "f32", statistics: { student = "batch" } = {} } =
      this.options;
    const { x, labels } = feed.record(batch, { dtype });
    const images = watch(x);
    const training = student === "batch";
    // The student's activations stay until its gradients are taken, the teacher's are gone once its taps are there.
    const taught = this.#teacher?.apply(images) ?? null;
    const learning = this.model.apply(images, { training });
    const { total, terms } = this.objective.compute({
      images,
      labels,
      student: learning,
      teacher: taught,
      apply: (others) => this.model.apply(others, { training, momentum: 0 }),
    });
    const end = this.#learn(total);
    this.#terms = [...terms].map(([name, values]) => [name, values.length]);
    const counts = (topFive ? [1, 5] : [1]).map((k) => topK(learning.logits, labels, { k }));
    const scalars = [total, ...counts, ...[...terms.values()].flat(), ...end];
    this.#history.append(scalars, this.#values.at("row"));
    return null;
  }

  /** Takes the gradients of the loss and a step with them, or adds them up; returns the scalars of how a step ended. */
  #learn(total: Tensor): Tensor[] {
    const { learned } = this;
    const upstream = this.#upstream();
    const found = gradients(
      total,
      learned.flatMap(({ parameters }) => parameters.trainable),
      upstream === null ? {} : { upstream },
    );
    const inspection = this.#inspection;
    const flat = learned.map(({ parameters }) =>
      flatGradients(parameters, found.splice(0, parameters.trainable.length), { inspection })
    );
    inspection.inspect({ loss: total, gradients: this.#share === null ? flat : [] });
    if (this.#share === null) return this.#step(flat);
    learned.forEach(({ sum }, at) => {
      const gradient = flat[at];
      if (sum !== null && gradient !== undefined) accumulate(gradient, sum);
    });
    return [];
  }

  /** What the gradients of a batch are multiplied by, `null` for nothing. */
  #upstream(): Tensor | null {
    const scale = this.lossScale?.scale ?? null;
    const share = this.#share;
    if (scale === null || share === null) return scale ?? share;
    return withoutGradients(() => multiply(scale, share));
  }

  /** Changes what is learned by its gradients, all or nothing; returns the scalars of how the step ended. */
  #step(found: readonly Tensor[]): Tensor[] {
    const { lossScale, learned } = this;
    const { momentum, weightDecay, nesterov } = this.options;
    const inspection = this.#inspection;
    learned.forEach(({ parameters, velocity }, at) =>
      sgd(parameters, found[at] ?? [], {
        velocity,
        learningRate: this.#values.at("rate"),
        momentum,
        weightDecay,
        nesterov,
        inspection,
        ...(lossScale === null ? {} : { lossScale }),
      })
    );
    const scale = lossScale === null ? [] : [lossScale.update()];
    return [inspection.settle(), ...scale];
  }

  async #recordUpdate(): Promise<Program<null>> {
    return await Program.record(this.#gpu, {
      label: `update ${this.model.name}`,
      build: () => {
        const sums = this.#sums;
        this.#inspection.inspect({ gradients: sums });
        this.#history.append(this.#step(sums), this.#values.at("row"));
        return null;
      },
    });
  }

  /** Frees the programs, the objective, the momentum, the loss scale and what is kept beside them. */
  [Symbol.dispose](): void {
    for (const program of this.#programs.values()) program[Symbol.dispose]();
    const { objective, learned, lossScale } = this;
    const own = [this.#update, this.#teacher, this.#share, this.#values];
    const shared = [this.#exchange, this.#synced];
    const held = [...own, this.#history, this.#inspection];
    for (const one of [...held, ...shared, ...learned, objective, lossScale]) {
      one?.[Symbol.dispose]();
    }
  }
}

/** A batch as a rank has it. */
interface RankBatch {
  /** The images here. */
  readonly size: number;
  /** The images of all ranks. */
  readonly whole: number;
}

function keyOf({ size, whole }: RankBatch): string {
  return `${size} of ${whole}`;
}

/** The teacher as a step sees it, whatever normalises there. */
function heldStill(teacher: Model, statistics: Partial<Statistics> = {}): FrozenModel {
  if (statistics.teacher !== "batch") return freeze(teacher);
  return {
    apply: (x) => teacher.apply(x, { training: true, momentum: 0 }),
    [Symbol.dispose]: () => {},
  };
}
