import { evaluate, type Evaluation } from "../../lib/train/evaluate.ts";
import {
  type FinishedEpoch,
  type FinishedStep,
  fit,
  type FitOptions,
  type Position,
} from "../../lib/train/fit.ts";
import type { NamedTensors } from "../../lib/weights/parameter_set.ts";
import { testGpu } from "./gpu.ts";
import { tinyModel, tinySet, weightsOf } from "./tiny.ts";

const DATA = tinySet({ train: 10, test: 6 });

/**
 * The options that {@link trained} starts from: two epochs of three steps, the last of each a short one, and every
 * step told by itself.
 */
export const TWO_EPOCHS = { data: DATA, epochs: 2, batchSize: 4, logEvery: 1 } as const;

/** The steps of such an epoch. */
export const PER_EPOCH = 3;

/** All that can be told of a training. */
export interface Told {
  readonly steps: readonly FinishedStep[];
  readonly epochs: readonly FinishedEpoch[];
  /** Where the run stood after each epoch. */
  readonly positions: readonly Position[];
  readonly result: Evaluation | null;
  /** The network at the end, evaluated once more. */
  readonly evaluation: Evaluation;
  /** The network at the end, every bit. */
  readonly weights: Uint8Array;
}

/** Trains a fresh network and returns all that can be told of it. */
export async function trained(
  change: Partial<FitOptions> & { start?: NamedTensors } = {},
): Promise<Told> {
  const { start, ...options } = change;
  using model = tinyModel(await testGpu());
  if (start !== undefined) model.parameters.load(start, { from: "start" });
  const steps: FinishedStep[] = [];
  const epochs: FinishedEpoch[] = [];
  const positions: Position[] = [];
  const result = await fit(model, {
    ...TWO_EPOCHS,
    ...options,
    async onSteps(finished) {
      steps.push(...finished);
      await options.onSteps?.(finished);
    },
    async onEpoch(epoch, position) {
      epochs.push(epoch);
      positions.push(position);
      await options.onEpoch?.(epoch, position);
    },
  });
  const evaluation = await evaluate(model, { data: DATA, batchSize: 4 });
  return { steps, epochs, positions, result, evaluation, weights: await weightsOf(model) };
}
