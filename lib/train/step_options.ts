import type { RealType } from "../gpu/dtype.ts";
import type { LossTerm } from "../losses/loss_term.ts";
import { transferTerms } from "../losses/transfer_terms.ts";
import type { Model } from "../models/model.ts";
import type { World } from "../mpi/world.ts";
import type { LossScaleOptions } from "../optim/loss_scale.ts";
import type { ImageFeed } from "./feed.ts";
import type { OnNonfinite } from "./non_finite.ts";
import type { Augmentation } from "./resident_feed.ts";
import type { Statistics, TrainerOptions } from "./trainer.ts";

/** What a step of a training does. */
export interface StepOptions {
  /** The network to learn from; none unless told. */
  readonly teacher?: Model | null;
  /** The terms of the objective; the cross-entropy unless told. */
  readonly objective?: readonly LossTerm[];
  /** What normalises; the batch for the network that learns and running statistics for the teacher unless told. */
  readonly statistics?: Partial<Statistics>;
  /** Images a step; 128 unless told. A streamed set has its own. */
  readonly batchSize?: number;
  /**
   * Batches that a step's images are divided into, where they do not fit together: their gradients add up, and batch
   * normalisation sees each by itself; 1 unless told.
   */
  readonly accumulate?: number;
  /** Whether labels among the five largest logits are counted too; they are not unless told. */
  readonly topFive?: boolean;
  /** The momentum's factor; 0.9 unless told. */
  readonly momentum?: number;
  /** Weight decay on every trainable parameter; 5e-4 unless told. */
  readonly weightDecay?: number;
  /** Nesterov's form of momentum; plain unless told. */
  readonly nesterov?: boolean;
  /**
   * What activations and their gradients are stored as; float32 unless told. With f16 the loss is scaled, and a step
   * whose gradients overflow is skipped.
   */
  readonly dtype?: RealType;
  /** Settings of the loss scale of half precision. */
  readonly lossScale?: LossScaleOptions;
  /** What a step with a number that is not finite does: it ends the training unless told, or is left out. */
  readonly onNonfinite?: OnNonfinite;
  /** The augmentation of a set in memory; a crop from 4 reflected pixels and a flip unless told. */
  readonly augment?: Augmentation;
  /** Whether the order is drawn anew each epoch; true unless told. */
  readonly shuffle?: boolean;
  /** Seed of order and augmentation; 0 unless told. */
  readonly seed?: number;
  /**
   * The ranks that train together, each on its share of every batch, whose gradients are summed. A streamed set must be
   * opened with that share. Default: this process alone.
   */
  readonly world?: World | undefined;
  /** Whether batch normalisation has the statistics of all ranks, not of each by itself. Default: false. */
  readonly syncsStatistics?: boolean | undefined;
  /** What gradients are rounded to on their way to other ranks. Default: `float`, as they are. */
  readonly exchangeDtype?: "float" | "half" | undefined;
}

/** Fills in what was left out. */
export function withDefaults(options: StepOptions, feed: ImageFeed): TrainerOptions {
  return {
    feed,
    objective: options.objective ?? transferTerms(),
    ...(options.statistics === undefined ? {} : { statistics: options.statistics }),
    teacher: options.teacher ?? null,
    accumulate: options.accumulate ?? 1,
    topFive: options.topFive ?? false,
    momentum: options.momentum ?? 0.9,
    weightDecay: options.weightDecay ?? 5e-4,
    nesterov: options.nesterov ?? false,
    dtype: options.dtype ?? "f32",
    onNonfinite: options.onNonfinite ?? "stop",
    ...(options.lossScale === undefined ? {} : { lossScale: options.lossScale }),
    world: options.world,
    syncsStatistics: options.syncsStatistics,
    exchangeDtype: options.exchangeDtype,
  };
}
