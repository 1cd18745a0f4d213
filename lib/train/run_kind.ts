import type { Gpu } from "../gpu/device.ts";
import type { FitListener } from "./fit.ts";
import type { EpochResult } from "./log.ts";
import type { RunSettings } from "./run_settings.ts";
import type { StepOptions } from "./step_options.ts";

/** What one kind of run does its own way: the rest is the same for all. */
export interface RunKind<Settings extends RunSettings> {
  /** What the settings say of the steps, teacher left out. */
  stepOptions(
    settings: Readonly<Settings>,
    gpu: Gpu,
  ): StepOptions & Pick<FitListener, "beforeEpoch">;
  /** Words an epoch's line of `log.txt`. */
  epochLine(settings: Readonly<Settings>, result: EpochResult): string;
}
