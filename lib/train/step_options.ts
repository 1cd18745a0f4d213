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
  /** The network to learn from. Default: none. */
  readonly teacher?: Model | null;
  /** The terms of the objective. Default: the cross-entropy. */
  readonly objective?: readonly LossTerm[];
  /** What normalises. Default: the batch for the network that learns, running statistics for the teacher. */
  readonly statistics?: Partial<Statistics>;
  /** Images a step. Default: 128. A streamed set has its own. */
  readonly batchSize?: number;
  /**
   * Batches that a step's images are divided into, where they do not fit together: their gradients add up, and batch
   * normalisation sees each by itself. Default: 1.
   */
  readonly accumulate?: number;
  /** Whether labels among the five largest logits are counted too. Default: false. */
  readonly topFive?: boolean;
  /** The momentum's factor. Default: 0.9. */
  readonly momentum?: number;
  /** Weight decay on every trainable parameter. Default: 5e-4. */
  readonly weightDecay?: number;
  /** Nesterov's form of momentum. Default: plain. */
  readonly nesterov?: boolean;
  /**
   * What activations and their gradients are stored as. Default: float32. With f16 the loss is scaled, and a step
   * whose gradients overflow is skipped.
   */
  readonly dtype?: RealType;
  /** Settings of the loss scale of half precision. */
  readonly lossScale?: LossScaleOptions;
  /** What a step with a number that is not finite does: it ends the training, or is left out. Default: it ends the training. */
  readonly onNonfinite?: OnNonfinite;
  /** The augmentation of a set in memory. Default: a crop from 4 reflected pixels and a flip. */
  readonly augment?: Augmentation;
  /** Whether the order is drawn anew each epoch. Default: true. */
  readonly shuffle?: boolean;
  /** Seed of order and augmentation. Default: 0. */
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
