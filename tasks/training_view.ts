import { stepsPerEpoch } from "../lib/train/batches.ts";
import type { FinishedStep } from "../lib/train/fit.ts";
import type { ImageSet } from "../lib/train/image_set.ts";
import type { CifarSettings } from "../lib/train/settings.ts";
import type { Progress, TrainingState } from "./progress.ts";

/** What a training shows while it runs. */
export interface TrainingView {
  /** Shows the last of the steps that have finished. */
  onSteps(steps: readonly FinishedStep[]): void;
}

/** Turns finished steps into what a progress display shows. */
export function trainingView(
  progress: Progress<TrainingState>,
  { settings, data }: {
    settings: Pick<CifarSettings, "epochs" | "batch_size" | "max_steps">;
    data: ImageSet;
  },
): TrainingView {
  const { epochs, batch_size: batchSize, max_steps: maxSteps } = settings;
  const steps = stepsPerEpoch({ count: data.train.count, batchSize, shuffle: true });
  const end = Math.min(epochs * steps, maxSteps ?? Infinity);
  return {
    onSteps(finished) {
      const last = finished.at(-1);
      if (last === undefined) return;
      const seconds = finished.reduce((sum, step) => sum + step.seconds, 0);
      const images = finished.reduce((sum, step) => sum + step.images, 0);
      progress.update({
        epoch: last.epoch,
        epochs,
        step: last.step % steps + 1,
        steps,
        imagesPerSecond: images / seconds,
        loss: last.loss,
        learningRate: last.rate,
        secondsLeft: (end - last.step - 1) * seconds / finished.length,
      });
    },
  };
}
