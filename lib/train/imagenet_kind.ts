import type { ImageNetSettings } from "./settings/imagenet_settings.ts";
import { type EpochResult, MARK } from "./log.ts";
import type { RunKind } from "./run_kind.ts";
import { streamedStepOptions, topFiveResult } from "./streamed_kind.ts";

/** Runs of `deno task imagenet`. */
export const IMAGENET_KIND: RunKind<ImageNetSettings> = {
  stepOptions: streamedStepOptions,
  epochLine: imageNetEpochLine,
};

/**
 * Words an epoch's line of `log.txt`: the keys of the original's imagenet.py in its order, accuracies as lists of top-1
 * and top-5, then ours. It is always valid JSON; a number that is not finite becomes null.
 *
 * @param settings The run's settings.
 * @param result The epoch's results.
 * @returns The line, without its end.
 */
export function imageNetEpochLine(
  settings: Readonly<ImageNetSettings>,
  result: EpochResult,
): string {
  return MARK + JSON.stringify({
    dtype: settings.dtype,
    depth: settings.depth,
    width: settings.width,
    imagenetpath: settings.imagenetpath,
    nthread: settings.nthread,
    teacher_params: settings.teacher_params,
    batch_size: settings.batch_size,
    lr: settings.lr,
    epochs: settings.epochs,
    weight_decay: settings.weight_decay,
    epoch_step: JSON.stringify(settings.epoch_step),
    lr_decay_ratio: settings.lr_decay_ratio,
    resume: settings.resume,
    temperature: settings.temperature,
    alpha: settings.alpha,
    beta: settings.beta,
    cuda: settings.cuda,
    save: settings.save,
    ngpu: settings.ngpu,
    gpu_id: settings.gpu_id,
    ...topFiveResult(result),
  });
}
