import { createHash } from "node:crypto";
import type { Gpu } from "../../lib/gpu/device.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import type { World } from "../../lib/mpi/world.ts";
import { fit } from "../../lib/train/fit.ts";
import type { StepOptions } from "../../lib/train/step_options.ts";
import { ArraySource } from "./array_source.ts";
import { tinyModel, tinySet, weightsOf } from "./tiny.ts";

/** What a training on {@link tinySet} came to. */
export interface Streamed {
  /** The loss of each step. */
  readonly losses: readonly number[];
  /** The images that were right, step by step. */
  readonly right: readonly number[];
  /** The accuracy and loss on the test images. */
  readonly evaluation: unknown;
  /** A digest of the final parameters. */
  readonly digest: string;
}

/** Trains from a stream whose batches, of 32, end in one of 2 images: of three ranks, one then has none. */
export async function streamed(
  gpu: Gpu,
  world: World,
  options: Pick<StepOptions, "syncsStatistics" | "exchangeDtype" | "dtype">,
): Promise<Streamed> {
  const set = tinySet({ train: 66, test: 34 });
  const shared = { batchSize: 32, seed: 3, share: world };
  const data = {
    name: "tiny stream",
    classes: set.classes,
    sources: {
      train: new ArraySource(set, { ...shared, split: "train" }),
      test: new ArraySource(set, { ...shared, split: "test" }),
    },
  };
  using model = tinyModel(gpu);
  using teacher = tinyModel(gpu, { seed: 5 });
  const losses: number[] = [];
  const right: number[] = [];
  const evaluation = await fit(model, {
    data,
    teacher,
    objective: transferTerms({ alpha: 0.5, beta: 10 }),
    epochs: 2,
    learningRate: 0.05,
    logEvery: 2,
    autotune: "off",
    world,
    ...options,
    onSteps: (steps) => {
      losses.push(...steps.map(({ loss }) => loss));
      right.push(...steps.map(({ right }) => right));
    },
  });
  const digest = createHash("sha256").update(await weightsOf(model)).digest("hex");
  return { losses, right, evaluation, digest };
}
