import type { Model } from "../models/model.ts";
import type { EpochResult } from "./log.ts";
import type { RunSettings } from "./settings/run_settings.ts";
import type { StepOptions } from "./step_options.ts";

/** Who takes part in a run. */
export interface Networks {
  /** The network that learns. */
  readonly model: Model;
  /** The network that it learns from, `null` for none. */
  readonly teacher: Model | null;
}

/** What one kind of run does its own way: the rest is the same for all. */
export interface RunKind<Settings extends RunSettings> {
  /** What the settings say of the steps, teacher left out. */
  stepOptions(settings: Readonly<Settings>, networks: Networks): StepOptions;
  /** Words an epoch's line of `log.txt`. */
  epochLine(settings: Readonly<Settings>, result: EpochResult): string;
}
