import { stepsPerEpoch } from "../../lib/train/batches.ts";
import type { FinishedStep } from "../../lib/train/fit.ts";
import type { Landed } from "../../lib/train/flight.ts";
import { type ImageSet, type StreamedSet, trainingCount } from "../../lib/train/image_set.ts";
import { faultWords } from "../../lib/train/non_finite.ts";
import type { RunSettings } from "../../lib/train/settings/run_settings.ts";
import { hasFault } from "../../lib/train/step_result.ts";
import type { Progress, TrainingState } from "../command_line/progress.ts";

/** What a training shows while it runs. */
export interface TrainingView {
  /** Keeps the loss of the last of these steps, for what is shown next. */
  onSteps(steps: readonly FinishedStep[]): void;
  /** Shows how far the training is. */
  onProgress(landed: Landed): void;
}

/** Turns what a training tells into what a progress display shows. */
export function trainingView(
  progress: Progress<TrainingState>,
  { settings, data }: {
    settings: Pick<RunSettings, "epochs" | "batch_size" | "max_steps">;
    data: ImageSet | StreamedSet;
  },
): TrainingView {
  const { epochs, batch_size: batchSize, max_steps: maxSteps } = settings;
  const perEpoch = stepsPerEpoch({ count: trainingCount(data), batchSize, shuffle: true });
  const end = Math.min(epochs * perEpoch, maxSteps ?? Infinity);
  let loss: number | null = null;
  return {
    onSteps(finished) {
      const [first, ...others] = finished.filter(hasFault);
      if (first !== undefined) {
        const more = others.length === 0 ? "" : `, and ${others.length} after it`;
        progress.note(`step ${first.step} skipped${more}: ${faultWords(first)}`);
      }
      loss = finished.at(-1)?.loss ?? loss;
    },
    onProgress({ last, steps, images, seconds, waitedSeconds }) {
      progress.update({
        epoch: last.epoch,
        epochs,
        step: last.step % perEpoch + 1,
        steps: perEpoch,
        imagesPerSecond: images / seconds,
        loss,
        learningRate: last.rate,
        ...(waitedSeconds === undefined
          ? {}
          : { waitingShare: Math.min(1, waitedSeconds / seconds) }),
        secondsLeft: (end - last.step - 1) * seconds / steps,
      });
    },
  };
}
