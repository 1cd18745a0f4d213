import type { RealType } from "../gpu/dtype.ts";
import { Program } from "../gpu/program.ts";
import { StepValues } from "../gpu/step_values.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Variants } from "../gpu/tuning.ts";
import type { LossFunction } from "../losses/activations.ts";
import { transferLoss } from "../losses/transfer_loss.ts";
import { freeze, type FrozenModel, type Model } from "../models/model.ts";
import { imageBatch, type ImageStore } from "../ops/images.ts";
import { topK } from "../ops/top_k.ts";
import { withoutGradients } from "../tape.ts";
import { batchAt, type Batching, batchSizes, orderOf, stepsPerEpoch } from "./batches.ts";
import { History } from "./history.ts";
import type { ImageSet } from "./image_set.ts";
import { freeImages, storeImages } from "./image_store.ts";

/** What an evaluation finds. */
export interface Evaluation {
  /** The cross-entropy, a mean over the batches. */
  readonly loss: number;
  /** The whole objective, transfer included, a mean over the batches. */
  readonly totalLoss: number;
  /** Top-1 accuracy, in percent. */
  readonly accuracy: number;
}

/** What a network is evaluated on. */
export interface EvaluatorOptions {
  /** The images. */
  readonly store: ImageStore;
  /** Images of a batch; the last may be smaller. */
  readonly batchSize: number;
  /** The teacher that `loss` compares with, as it is when the evaluator is made. */
  readonly teacher?: Model | null;
  /** The objective that {@link Evaluation.totalLoss} reports; the cross-entropy unless told. */
  readonly loss?: LossFunction;
  /** What activations are stored as; float32 unless told. */
  readonly dtype?: RealType;
}

/** Evaluates a network again and again with the same recorded programs. */
export class Evaluator implements Disposable {
  /** Which variants of their kernels the ops run; the fixed table's unless set before the first run. */
  variants: Variants = {};
  readonly #programs = new Map<number, Program<null>>();
  readonly #values: StepValues<"start" | "epoch" | "row">;
  readonly #history: History;
  readonly #order: Tensor;
  readonly #teacher: FrozenModel | null;

  /**
   * Prepares to evaluate a network as often as needed.
   *
   * @param model The network.
   * @param options The images and how to go over them.
   */
  constructor(
    /** The network. */
    readonly model: Model,
    /** The images and how to go over them. */
    readonly options: EvaluatorOptions,
  ) {
    const { gpu } = model.parameters;
    const { store: { count }, teacher = null } = options;
    this.#teacher = teacher === null ? null : freeze(teacher);
    this.#values = new StepValues(gpu, ["start", "epoch", "row"]);
    this.#history = new History(gpu);
    this.#order = gpu.tensor(orderOf(0, { count, shuffle: false, seed: 0 }), [count], {
      label: "file order",
      dtype: "u32",
    });
  }

  get #batching(): Batching {
    const { store, batchSize } = this.options;
    return { count: store.count, batchSize, shuffle: true };
  }

  /** Functions that record a batch of each size that occurs, the most frequent first, for the tuner to learn. */
  get rehearsals(): (() => void)[] {
    return batchSizes(this.#batching).map((size) => () => void this.#build(size));
  }

  /** Runs over all images with the network as it is now. */
  async run(): Promise<Evaluation> {
    const { store } = this.options;
    const batching = this.#batching;
    const rows: number[][] = [];
    const steps = stepsPerEpoch(batching);
    for (let step = 0; step < steps; step++) {
      const { start, size } = batchAt(step, batching);
      const program = await this.#program(size);
      this.#values.setInteger("start", start);
      this.#values.setInteger("row", this.#history.nextRow());
      this.#values.upload();
      program.run();
      if (this.#history.pending >= MOST_IN_FLIGHT) rows.push(...await this.#history.take());
    }
    rows.push(...await this.#history.take());
    const sum = (column: number) => rows.reduce((sum, row) => sum + (row[column] ?? NaN), 0);
    return {
      loss: sum(0) / steps,
      totalLoss: sum(1) / steps,
      accuracy: 100 * sum(2) / store.count,
    };
  }

  async #program(batch: number): Promise<Program<null>> {
    const found = this.#programs.get(batch);
    if (found !== undefined) return found;
    const { gpu } = this.model.parameters;
    const program = await Program.record(gpu, {
      label: `evaluate ${this.model.name}`,
      build: () => gpu.tuning.with(this.variants, () => this.#build(batch)),
    });
    this.#programs.set(batch, program);
    return program;
  }

  #build(batch: number): null {
    const { store, loss = transferLoss(), dtype = "f32" } = this.options;
    return withoutGradients(() => {
      const { x, labels } = imageBatch(store, {
        batch,
        order: this.#order,
        start: this.#values.at("start"),
        epoch: this.#values.at("epoch"),
        seed: 0,
        padding: 0,
        flips: false,
        dtype,
      });
      const student = this.model.apply(x, { training: false });
      const { total, crossEntropy } = loss({
        student,
        teacher: this.#teacher?.apply(x) ?? null,
        labels,
      });
      this.#history.append(
        [crossEntropy, total, topK(student.logits, labels)],
        this.#values.at("row"),
      );
      return null;
    });
  }

  /** Frees the programs. */
  [Symbol.dispose](): void {
    for (const program of this.#programs.values()) program[Symbol.dispose]();
    this.#teacher?.[Symbol.dispose]();
    this.#values[Symbol.dispose]();
    this.#history[Symbol.dispose]();
    this.#order[Symbol.dispose]();
  }
}

const MOST_IN_FLIGHT = 64;

/**
 * Evaluates a network once on a set's test images.
 *
 * @param model The network.
 * @param options.data The set.
 * @param options.batchSize Images of a batch; 128 unless told.
 * @param options.dtype What activations are stored as; float32 unless told.
 * @returns Loss and top-1 accuracy.
 */
export async function evaluate(
  model: Model,
  { data, batchSize = 128, dtype = "f32" }: {
    data: ImageSet;
    batchSize?: number;
    dtype?: RealType;
  },
): Promise<Evaluation> {
  const { gpu } = model.parameters;
  const store = storeImages(gpu, { images: data.test, set: data });
  try {
    using evaluator = new Evaluator(model, { store, batchSize, dtype });
    return await evaluator.run();
  } finally {
    freeImages(store);
  }
}
