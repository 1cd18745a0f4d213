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
import { imageBatch, type ImageStore } from "../ops/images.ts";
import { topK } from "../ops/top_k.ts";
import { LossScale, type LossScaleOptions } from "../optim/loss_scale.ts";
import { sgd } from "../optim/sgd.ts";
import { withoutGradients } from "../tape.ts";
import { ParameterSet } from "../weights/parameter_set.ts";
import { batchAt, type Batching, batchSizes, orderOf } from "./batches.ts";
import { History } from "./history.ts";

/** What happens to the training images: reflect-pad, random crop and flip. */
export interface Augmentation {
  /** Reflected pixels around the image before the crop. */
  readonly padding: number;
  /** Whether half of the images are mirrored. */
  readonly flips: boolean;
}

/** How a network is trained, apart from when to stop. */
export interface TrainerOptions {
  /** The training images. */
  readonly store: ImageStore;
  /** The objective. */
  readonly loss: LossFunction;
  /** The network to learn from, as it is when the trainer is made; `null` for none. */
  readonly teacher: Model | null;
  /** Images a step. */
  readonly batchSize: number;
  /** Whether the order is drawn anew each epoch. */
  readonly shuffle: boolean;
  /** The augmentation. */
  readonly augment: Augmentation;
  /** Seed of order and augmentation. */
  readonly seed: number;
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
  /** Each group's attention loss, unweighted. */
  readonly attention: readonly number[];
  /** The loss scale, where the step is in half precision. */
  readonly scaling?: Scaling;
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
  readonly #values: StepValues<"rate" | "epoch" | "start" | "row">;
  readonly #history: History;
  readonly #order: Tensor;
  readonly #batching: Batching;
  readonly #teacher: FrozenModel | null;
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
    const { store, batchSize, shuffle, teacher, dtype } = options;
    if (dtype === "f16") gpu.wantHalf("train in half precision");
    this.lossScale = dtype === "f16" ? new LossScale(gpu, options.lossScale) : null;
    this.#teacher = teacher === null ? null : freeze(teacher);
    this.#batching = { count: store.count, batchSize, shuffle };
    this.#values = new StepValues(gpu, ["rate", "epoch", "start", "row"]);
    this.#history = new History(gpu);
    this.#order = gpu.zeros([store.count], { label: "order of the epoch", dtype: "u32" });
    this.velocity = new ParameterSet(
      gpu,
      specs.filter(({ trainable }) => trainable).map((spec) => ({
        ...spec,
        initialise: () => new Float32Array(spec.shape.reduce((a, b) => a * b, 1)),
      })),
    );
  }

  /** The images of a batch, unless the whole set is smaller. */
  get #fullBatch(): number {
    return batchAt(0, this.#batching).size;
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
    return this.#history.pending;
  }

  /** Whether {@link Trainer.take} must come before another step. */
  get isFull(): boolean {
    return this.#history.isFull;
  }

  /** Functions that record a step of each batch size that occurs, the most frequent first, for the tuner to learn. */
  get rehearsals(): (() => void)[] {
    return batchSizes(this.#batching).map((size) => () => void this.#build(size));
  }

  /** Draws the order of an epoch and sets its learning rate. */
  beginEpoch(epoch: number, { rate }: { rate: number }): void {
    this.#order.write(orderOf(epoch, { ...this.#batching, seed: this.options.seed }));
    this.#values.setInteger("epoch", epoch);
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
    const { start, size } = batchAt(step, this.#batching);
    const program = await this.#program(size);
    this.#values.setInteger("start", start);
    this.#values.setInteger("row", this.#history.nextRow());
    this.#values.upload();
    program.run();
    return size;
  }

  /** Waits for the steps submitted so far, without reading anything. */
  async wait(): Promise<void> {
    const { gpu } = this.model.parameters;
    await gpu.device.queue.onSubmittedWorkDone();
    await gpu.settled();
  }

  /** Waits for the steps submitted so far and returns what they came to, in order. */
  async take(): Promise<StepResult[]> {
    const rows = await this.#history.take();
    return rows.map(([loss = NaN, right = NaN, ...rest]) => {
      const outcome = rest[this.#groups] ?? NaN;
      return {
        loss,
        right,
        attention: rest.slice(0, this.#groups),
        ...(this.lossScale === null ? {} : {
          scaling: { scale: Math.abs(outcome), isSkipped: outcome < 0 },
        }),
      };
    });
  }

  async #program(batch: number): Promise<Program<null>> {
    const found = this.#programs.get(batch);
    if (found !== undefined) return found;
    try {
      const { gpu } = this.model.parameters;
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
    const { store, seed, augment, loss, momentum, weightDecay, nesterov, dtype = "f32" } =
      this.options;
    const { parameters } = this.model;
    const { lossScale } = this;
    const { x, labels } = imageBatch(store, {
      batch,
      order: this.#order,
      start: this.#values.at("start"),
      epoch: this.#values.at("epoch"),
      seed,
      ...augment,
      dtype,
    });
    const taught = withoutGradients(() => this.#teacher?.apply(x) ?? null);
    const student = this.model.apply(x, { training: true });
    const { total, attention } = loss({ student, teacher: taught, labels });
    const upstream = lossScale === null ? {} : { upstream: lossScale.scale };
    sgd(parameters, gradients(total, parameters.trainable, upstream), {
      velocity: this.velocity,
      learningRate: this.#values.at("rate"),
      momentum,
      weightDecay,
      nesterov,
      ...(lossScale === null ? {} : { lossScale }),
    });
    const outcome = lossScale === null ? [] : [lossScale.update()];
    this.#groups = attention.length;
    this.#history.append(
      [total, topK(student.logits, labels), ...attention, ...outcome],
      this.#values.at("row"),
    );
    return null;
  }

  /** Frees the programs, the momentum and the loss scale. */
  [Symbol.dispose](): void {
    for (const program of this.#programs.values()) program[Symbol.dispose]();
    const { velocity, lossScale } = this;
    for (
      const held of [this.#teacher, velocity, lossScale, this.#values, this.#history, this.#order]
    ) {
      held?.[Symbol.dispose]();
    }
  }
}
