import type { FinetuneSettings } from "./settings/finetune_settings.ts";
import { MARK } from "./log.ts";
import type { RunKind } from "./run_kind.ts";
import { streamedStepOptions, topFiveResult } from "./streamed_kind.ts";

/** Runs of `deno task finetune`: batch normalisation uses the running statistics, which stay. */
export const FINETUNE_KIND: RunKind<FinetuneSettings> = {
  stepOptions: (settings, networks) => ({
    ...streamedStepOptions(settings, networks),
    statistics: { student: "running", teacher: "running" },
  }),
  epochLine: (settings, result) =>
    MARK +
    JSON.stringify({ ...settings, ...topFiveResult(result), num_classes: result.num_classes }),
};
