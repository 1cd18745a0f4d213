import { epochLine } from "./log.ts";
import type { RunKind } from "./run_kind.ts";
import { realTypeOf } from "./run_settings.ts";
import type { CifarSettings } from "./settings.ts";
import { transferObjective } from "./transfer_objective.ts";

/** Runs of `deno task cifar`. */
export const CIFAR_KIND: RunKind<CifarSettings> = {
  stepOptions: (settings, networks) => ({
    ...transferObjective(settings, networks),
    batchSize: settings.batch_size,
    weightDecay: settings.weight_decay,
    nesterov: settings.nesterov,
    augment: settings.no_augment
      ? { padding: 0, flips: false }
      : { padding: settings.randomcrop_pad, flips: true },
    shuffle: !settings.no_shuffle,
    seed: settings.seed,
    dtype: realTypeOf(settings),
  }),
  epochLine,
};
