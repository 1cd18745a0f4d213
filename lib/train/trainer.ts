import type { Gpu } from "../gpu/device.ts";
import { OutOfRoomError } from "../gpu/errors.ts";
import type { Plan } from "../gpu/plan.ts";
import type { RealType } from "../gpu/dtype.ts";
import { Program } from "../gpu/program.ts";
import type { Variants } from "../gpu/tuning.ts";
import { StepValues } from "../gpu/step_values.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { gradients } from "../gradients.ts";
import type { LossFunction } from "../losses/activations.ts";
import { freeze, type FrozenModel, type Model } from "../models/model.ts";
import { accumulate } from "../ops/accumulate.ts";
import { multiply } from "../ops/multiply.ts";
import { topK } from "../ops/top_k.ts";
import { LossScale, type LossScaleOptions } from "../optim/loss_scale.ts";
import { flatGradients, sgd } from "../optim/sgd.ts";
import { withoutGradients } from "../tape.ts";
import { ParameterSet } from "../weights/parameter_set.ts";
import { accumulatedSteps, batchAt, batchSizes, partsOf } from "./batches.ts";
import type { ImageFeed } from "./feed.ts";
import { History } from "./history.ts";

/** How a network is trained, apart from when to stop. */
export interface TrainerOptions {
  /** Where the batches come from. */
  readonly feed: ImageFeed;
  /** The objective. */
  readonly loss: LossFunction;
  /** The network to learn from, as it is when the trainer is made; `null` for none. */
  readonly teacher: Model | null;
  /**
   * Batches whose gradients add up to those of one step, each weighed by its images; 1 unless told. Batch normalisation
   * sees each batch by itself.
   */
  readonly accumulate?: number;
  /** Whether labels among the five largest logits are counted too; they are not unless told. */
  readonly topFive?: boolean;
  /** The momentum's factor. */
  readonly momentum: number;
  /** Weight decay on every trainable parameter. */
  readonly weightDecay: number;
  /** Nesterov's form of momentum. */
  readonly nesterov: boolean;
  /** What activations and their gradients are stored as; float32 unless told. f16 comes with a loss scale. */
  readonly dtype?: RealType;
  /** Settings of that loss scale. */
  readonly lossScale?: LossScaleOptions;
}

/** What the loss scale made of a step. */
export interface Scaling {
  /** The factor on the loss. */
  readonly scale: number;
  /** Whether a gradient overflowed, so that the step was skipped. */
  readonly isSkipped: boolean;
}

/** What one step came to. */
export interface StepResult {
  /** The loss before the update. */
  readonly loss: number;
  /** Images whose label had the largest logit. */
  readonly right: number;
  /** Images whose label was among the five largest logits, where they are counted. */
  readonly topFive?: number;
  /** Each group's attention loss, unweighted. */
  readonly attention: readonly number[];
  /** The loss scale, where the step is in half precision. */
  readonly scaling?: Scaling;
}

/** What adding up the gradients of several batches needs. */
interface Accumulation extends Disposable {
  /** The sum, laid out as the parameters. */
  readonly sum: Tensor;
  /** A scalar: the batch's part of the step's images. */
  readonly share: Tensor;
}

/** The steps of a training: one recorded program a batch size, replayed. */
export class Trainer implements Disposable {
  /** The momentum of each trainable parameter. */
  readonly velocity: ParameterSet;
  /** The loss scale, `null` in float32. */
  readonly lossScale: LossScale | null;
  /** Which variants of their kernels the ops of a step run; the fixed table's unless set before the first step. */
  variants: Variants = {};
  readonly #programs = new Map<number, Program<null>>();
  readonly #values: StepValues<"rate" | "row">;
  readonly #history: History;
  readonly #teacher: FrozenModel | null;
  readonly #accumulation: Accumulation | null;
  #update: Program<null> | null = null;
  #untaken: (readonly number[])[] = [];
  #flying = 0;
  #groups = 0;

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
    const { gpu, specs } = model.parameters;
    const { teacher, dtype, accumulate = 1 } = options;
    if (dtype === "f16") gpu.wantHalf("train in half precision");
    this.lossScale = dtype === "f16" ? new LossScale(gpu, options.lossScale) : null;
    this.#teacher = teacher === null ? null : freeze(teacher);
    this.#values = new StepValues(gpu, ["rate", "row"]);
    this.#history = new History(gpu);
    this.#accumulation = accumulate === 1 ? null : accumulationOf(model);
    this.velocity = new ParameterSet(
      gpu,
      specs.filter(({ trainable }) => trainable).map((spec) => ({
        ...spec,
        initialise: () => new Float32Array(spec.shape.reduce((a, b) => a * b, 1)),
      })),
    );
  }

  /** The batches whose gradients add up to those of one step. */
  get accumulate(): number {
    return this.options.accumulate ?? 1;
  }

  /** The steps of an epoch. */
  get stepsPerEpoch(): number {
    return accumulatedSteps(this.options.feed.batching, this.accumulate);
  }

  /** The images of a batch, unless the whole set is smaller. */
  get #fullBatch(): number {
    return batchAt(0, this.options.feed.batching).size;
  }

  /** The full batch's step as it was recorded, `null` before the first. */
  get program(): Program<null> | null {
    return this.#programs.get(this.#fullBatch) ?? null;
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
    // One row a batch, and one for what the loss scale made of their sum.
    const rows = this.#accumulation === null ? 1 : this.accumulate + 1;
    return this.#history.room < rows;
  }

  /** Whether the GPU must be waited for before more images are sent there. */
  get isSated(): boolean {
    return this.#flying >= this.options.feed.mostInFlight;
  }

  /** Functions that record a step of each batch size that occurs, the most frequent first, for the tuner to learn. */
  get rehearsals(): (() => void)[] {
    return batchSizes(this.options.feed.batching).map((size) => () => void this.#build(size));
  }

  /** Draws the order of an epoch and sets its learning rate. */
  beginEpoch(epoch: number, { rate }: { rate: number }): void {
    this.options.feed.beginEpoch(epoch);
    this.#values.setFloat("rate", rate);
  }

  /** Zeroes the momentum. */
  resetMomentum(): void {
    this.model.parameters.gpu.clear(this.velocity.flat.storage);
  }

  /**
   * Submits a step and returns without waiting for it.
   *
   * @param step The step's number, from the start of the run.
   * @returns The number of images.
   * @throws {RangeError} If the batch does not fit the adapter.
   */
  async submit(step: number): Promise<number> {
    const { first, sizes } = partsOf(step, this.options.feed.batching, this.accumulate);
    const images = sizes.reduce((sum, size) => sum + size, 0);
    const accumulation = this.#accumulation;
    if (accumulation !== null) this.#gpu.clear(accumulation.sum.storage);
    for (const [part, size] of sizes.entries()) {
      const program = await this.#program(size);
      if (part > 0 && this.isSated) await this.wait();
      await this.options.feed.load(first + part);
      this.#flying++;
      accumulation?.share.write(Float32Array.of(size / images));
      this.#run(program, { writesRow: true });
    }
    if (accumulation !== null) {
      this.#update ??= await this.#recordUpdate(accumulation);
      this.#run(this.#update, { writesRow: this.lossScale !== null });
    }
    this.#untaken.push(sizes);
    return images;
  }

  get #gpu(): Gpu {
    return this.model.parameters.gpu;
  }

  #run(program: Program<null>, { writesRow }: { writesRow: boolean }): void {
    if (writesRow) this.#values.setInteger("row", this.#history.nextRow());
    this.#values.upload();
    program.run();
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
    const ends = this.#accumulation !== null && this.lossScale !== null;
    return untaken.map((sizes) => {
      const parts = rows.splice(0, sizes.length);
      const outcome = ends ? rows.shift()?.[0] : undefined;
      return this.#resultOf(parts, { sizes, outcome });
    });
  }

  /** The means of a step's batches, weighed by their images, and the sums of what is counted. */
  #resultOf(
    parts: readonly (readonly number[])[],
    { sizes, outcome }: { sizes: readonly number[]; outcome: number | undefined },
  ): StepResult {
    const { topFive = false } = this.options;
    const images = sizes.reduce((sum, size) => sum + size, 0);
    const sum = (column: number) => parts.reduce((sum, row) => sum + (row[column] ?? NaN), 0);
    const mean = (column: number) =>
      parts.length === 1 ? parts[0]?.[column] ?? NaN : parts.reduce(
        (sum, row, part) => sum + (row[column] ?? NaN) * (sizes[part] ?? NaN) / images,
        0,
      );
    const first = topFive ? 3 : 2;
    const scale = outcome ?? parts[0]?.[first + this.#groups] ?? NaN;
    return {
      loss: mean(0),
      right: sum(1),
      ...(topFive ? { topFive: sum(2) } : {}),
      attention: Array.from({ length: this.#groups }, (_, group) => mean(first + group)),
      ...(this.lossScale === null ? {} : {
        scaling: { scale: Math.abs(scale), isSkipped: scale < 0 },
      }),
    };
  }

  async #program(batch: number): Promise<Program<null>> {
    const found = this.#programs.get(batch);
    if (found !== undefined) return found;
    try {
      const gpu = this.#gpu;
      const program = await Program.record(gpu, {
        label: `train ${this.model.name}`,
        build: () => gpu.tuning.with(this.variants, () => this.#build(batch)),
      });
      this.#programs.set(batch, program);
      return program;
    } catch (error) {
      if (!(error instanceof OutOfRoomError)) throw error;
      const fits = Math.floor(batch * error.limit / error.bytes);
      throw new RangeError(
        `Cannot train ${this.model.name} with batches of ${batch}: wanted at most ${fits} on this adapter (${error.message})`,
        { cause: error },
      );
    }
  }

  #build(batch: number): null {
    const { feed, loss, topFive = false, dtype = "f32" } = this.options;
    const { parameters } = this.model;
    const { lossScale } = this;
    const accumulation = this.#accumulation;
    const { x, labels } = feed.record(batch, { dtype });
    const taught = withoutGradients(() => this.#teacher?.apply(x) ?? null);
    const student = this.model.apply(x, { training: true });
    const { total, attention } = loss({ student, teacher: taught, labels });
    const upstream = this.#upstream();
    const found = gradients(total, parameters.trainable, upstream === null ? {} : { upstream });
    if (accumulation === null) this.#step(found);
    else {
      const scaled = lossScale === null ? {} : { lossScale };
      accumulate(flatGradients(parameters, found, scaled), accumulation.sum);
    }
    const outcome = lossScale === null || accumulation !== null ? [] : [lossScale.update()];
    this.#groups = attention.length;
    const counts = (topFive ? [1, 5] : [1]).map((k) => topK(student.logits, labels, { k }));
    this.#history.append([total, ...counts, ...attention, ...outcome], this.#values.at("row"));
    return null;
  }

  /** What the gradients of a batch are multiplied by, `null` for nothing. */
  #upstream(): Tensor | null {
    const scale = this.lossScale?.scale ?? null;
    const share = this.#accumulation?.share ?? null;
    if (scale === null || share === null) return scale ?? share;
    return withoutGradients(() => multiply(scale, share));
  }

  #step(found: readonly Tensor[] | Tensor): void {
    const { momentum, weightDecay, nesterov } = this.options;
    sgd(this.model.parameters, found, {
      velocity: this.velocity,
      learningRate: this.#values.at("rate"),
      momentum,
      weightDecay,
      nesterov,
      ...(this.lossScale === null ? {} : { lossScale: this.lossScale }),
    });
  }

  async #recordUpdate({ sum }: Accumulation): Promise<Program<null>> {
    return await Program.record(this.#gpu, {
      label: `update ${this.model.name}`,
      build: () => {
        this.#step(sum);
        const outcome = this.lossScale?.update();
        if (outcome !== undefined) this.#history.append([outcome], this.#values.at("row"));
        return null;
      },
    });
  }

  /** Frees the programs, the momentum and the loss scale. */
  [Symbol.dispose](): void {
    for (const program of this.#programs.values()) program[Symbol.dispose]();
    const { velocity, lossScale } = this;
    const held = [this.#update, this.#teacher, velocity, lossScale, this.#values, this.#history];
    for (const one of [...held, this.#accumulation]) one?.[Symbol.dispose]();
  }
}

function accumulationOf({ parameters: { gpu, flat } }: Model): Accumulation {
  const sum = gpu.zeros(flat.shape, { label: "sum of gradients" });
  const share = gpu.tensor([1], [], { label: "share of a batch" });
  return {
    sum,
    share,
    [Symbol.dispose]() {
      sum[Symbol.dispose]();
      share[Symbol.dispose]();
    },
  };
}
