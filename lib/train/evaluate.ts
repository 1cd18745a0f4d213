import type { RealType } from "../gpu/dtype.ts";
import { Program } from "../gpu/program.ts";
import { StepValues } from "../gpu/step_values.ts";
import type { Variants } from "../gpu/tuning.ts";
import type { Objective } from "../losses/objective.ts";
import { freeze, type FrozenModel, type Model } from "../models/model.ts";
import { soloWorld } from "../mpi/solo_world.ts";
import type { World } from "../mpi/world.ts";
import { crossEntropy } from "../ops/cross_entropy.ts";
import { mean } from "../ops/sum.ts";
import { topK } from "../ops/top_k.ts";
import { withoutGradients } from "../tape.ts";
import { withSmallerBatch } from "./batch_memory.ts";
import { batchAt, batchSizes, stepsPerEpoch } from "./batches.ts";
import type { ImageFeed } from "./feed.ts";
import { gatherRows, type RankRows } from "./gather_rows.ts";
import { History } from "./history.ts";
import type { ImageSet, StreamedSet } from "./image_set.ts";
import { openTestFeed } from "./open_feeds.ts";

/** What an evaluation finds. */
export interface Evaluation {
  /** The cross-entropy, a mean over the batches. */
  readonly loss: number;
  /** The whole objective, transfer included, a mean over the batches; terms that take gradients are left out. */
  readonly totalLoss: number;
  /** Top-1 accuracy, in percent. */
  readonly accuracy: number;
  /** Top-5 accuracy, in percent, where it is asked for. */
  readonly topFive?: number;
}

/** What a network is evaluated on. */
export interface EvaluatorOptions {
  /** Where the batches come from. */
  readonly feed: ImageFeed;
  /** Whether labels among the five largest logits are counted too. Default: false. */
  readonly topFive?: boolean;
  /** The teacher that the objective compares with, as it is when the evaluator is made. */
  readonly teacher?: Model | null;
  /** The objective that {@link Evaluation.totalLoss} reports. Default: the cross-entropy. */
  readonly objective?: Objective;
  /** What activations are stored as. Default: float32. */
  readonly dtype?: RealType;
  /** The ranks among which the batches are divided. Default: this process alone. */
  readonly world?: World | undefined;
}

/** Evaluates a network again and again with the same recorded programs. */
export class Evaluator implements Disposable {
  /** Which variants of their kernels the ops run; the fixed table's unless set before the first run. */
  variants: Variants = {};
  readonly #programs = new Map<number, Program<null>>();
  readonly #values: StepValues<"row">;
  readonly #history: History;
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
    const { teacher = null } = options;
    this.#teacher = teacher === null ? null : freeze(teacher);
    this.#values = new StepValues(gpu, ["row"]);
    this.#history = new History(gpu);
  }

  /** Functions that record a batch of each size that occurs, the most frequent first, for the tuner to learn. */
  get rehearsals(): (() => void)[] {
    return batchSizes(this.options.feed.batching).map((size) => () =>
      void this.#build(Math.max(1, size))
    );
  }

  /** Runs over all images with the network as it is now. */
  async run(): Promise<Evaluation> {
    const { feed, topFive = false, world = soloWorld() } = this.options;
    const { batching, mostInFlight } = feed;
    const own: number[][] = [];
    const steps = stepsPerEpoch(batching);
    for (let step = 0; step < steps; step++) {
      const program = await this.#program(Math.max(1, batchAt(step, batching).size));
      await feed.load(step);
      this.#values.setInteger("row", this.#history.nextRow());
      this.#values.upload();
      program.run();
      if (this.#history.pending >= Math.min(MOST_IN_FLIGHT, mostInFlight)) {
        own.push(...await this.#history.take());
      }
    }
    if (this.#history.pending > 0) own.push(...await this.#history.take());
    const batches = await gatherRows(
      own.map((row, step) => ({ row, size: batchAt(step, batching).size })),
      world,
    );
    const total = (value: (batch: RankRows) => number) =>
      batches.reduce((sum, batch) => sum + value(batch), 0);
    const mean = (column: number) => total((batch) => meanOf(batch, column)) / steps;
    const share = (column: number) =>
      100 * total(({ rows }) => rows.reduce((sum, row) => sum + (row[column] ?? NaN), 0)) /
      batching.count;
    return {
      loss: mean(0),
      totalLoss: mean(1),
      accuracy: share(2),
      ...(topFive ? { topFive: share(3) } : {}),
    };
  }

  async #program(batch: number): Promise<Program<null>> {
    const found = this.#programs.get(batch);
    if (found !== undefined) return found;
    const { gpu } = this.model.parameters;
    const action = `evaluate ${this.model.name}`;
    const build = (batch: number) => gpu.tuning.with(this.variants, () => this.#build(batch));
    try {
      const program = await Program.record(gpu, { label: action, build: () => build(batch) });
      this.#programs.set(batch, program);
      return program;
    } catch (error) {
      const others = this.#programs.values();
      throw await withSmallerBatch(error, { action, batch, gpu, build, others });
    }
  }

  #build(batch: number): null {
    const { feed, objective, topFive = false, dtype = "f32" } = this.options;
    return withoutGradients(() => {
      const { x, labels } = feed.record(batch, { dtype });
      const taught = this.#teacher?.apply(x) ?? null;
      const student = this.model.apply(x, { training: false });
      const hard = mean(crossEntropy(student.logits, labels));
      const total = objective?.compute({
        images: x,
        labels,
        student,
        teacher: taught,
        apply: (others) => this.model.apply(others, { training: false }),
      }, { evaluates: true }).total ?? hard;
      const counts = (topFive ? [1, 5] : [1]).map((k) => topK(student.logits, labels, { k }));
      this.#history.append([hard, total, ...counts], this.#values.at("row"));
      return null;
    });
  }

  /** Frees the programs. */
  [Symbol.dispose](): void {
    for (const program of this.#programs.values()) program[Symbol.dispose]();
    this.#teacher?.[Symbol.dispose]();
    this.#values[Symbol.dispose]();
    this.#history[Symbol.dispose]();
  }
}

/** The mean of a column over the images of a batch. */
function meanOf({ rows, sizes }: RankRows, column: number): number {
  const [row] = rows;
  if (rows.length === 1) return row?.[column] ?? NaN;
  const images = sizes.reduce((sum, size) => sum + size, 0);
  return rows.reduce((sum, row, at) => sum + (row[column] ?? NaN) * (sizes[at] ?? NaN), 0) / images;
}

const MOST_IN_FLIGHT = 64;

/** How a network is evaluated once. */
export interface EvaluateOptions {
  /** The set, of which the test images count. */
  readonly data: ImageSet | StreamedSet;
  /** Images of a batch. Default: 128. A streamed set has its own. */
  readonly batchSize?: number;
  /** Whether top-5 accuracy is told too. Default: false. */
  readonly topFive?: boolean;
  /** What activations are stored as. Default: float32. */
  readonly dtype?: RealType;
  /** The ranks among which the batches are divided; a streamed set must be opened with that share. */
  readonly world?: World | undefined;
}

/**
 * Evaluates a network once on a set's test images.
 *
 * @param model The network.
 * @param options The set, and how to go over it.
 * @returns Loss and accuracy.
 */
export async function evaluate(
  model: Model,
  { data, batchSize = 128, ...options }: EvaluateOptions,
): Promise<Evaluation> {
  using feed = openTestFeed(model.parameters.gpu, data, { batchSize, world: options.world });
  using evaluator = new Evaluator(model, { ...options, feed });
  return await evaluator.run();
}
