import { checkFinetuneSettings } from "../../lib/train/settings/check_finetune_settings.ts";
import {
  FINETUNE_DEFAULTS,
  type FinetuneSettings,
} from "../../lib/train/settings/finetune_settings.ts";
import { FINETUNE_FLAGS, FINETUNE_TEXT } from "./finetune_flags.ts";
import { UsageError } from "../command_line/flags.ts";
import { readPath } from "../command_line/paths.ts";
import { parseRun, RANK_SETTINGS, type RunCommand } from "./run_options.ts";

const RESUMED = [
  "epochs",
  "max_steps",
  "log_every",
  "on_nonfinite",
  "data",
  "nthread",
  ...RANK_SETTINGS,
  "on_bad",
] as const;
const EVALUATED = [
  "data",
  "nthread",
  "batch_size",
  "image_size",
  "on_bad",
  "dtype",
  "take",
  ...RANK_SETTINGS,
] as const;

/** What `deno task finetune` is asked to do. */
export type FinetuneCommand = RunCommand<
  FinetuneSettings,
  typeof RESUMED[number],
  typeof EVALUATED[number]
>;

/**
 * Reads the command line of `deno task finetune`.
 *
 * @param argv The arguments.
 * @returns What is asked for; beside `--resume` and `--evaluate`, only what was given is a change.
 * @throws {UsageError} If an argument is unknown, has a wrong value, or does not belong there.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const command = parseFinetune(["--data", "CUB_200_2011", "--student", "resnet-18-export.hkl"]);
 * assert.ok(command.kind === "train");
 * assert.deepEqual([command.settings.init, command.settings.taps], ["resnet-18-export.hkl", [2, 3]]);
 * ```
 */
export function parseFinetune(argv: readonly string[]): FinetuneCommand {
  const command = parseRun(argv, {
    flags: FINETUNE_FLAGS,
    text: FINETUNE_TEXT,
    defaults: { ...FINETUNE_DEFAULTS, logs: readPath(FINETUNE_DEFAULTS.logs, "logs") },
    resumed: RESUMED,
    evaluated: EVALUATED,
    check: checkFinetuneSettings,
  });
  if (command.kind !== "train" && command.kind !== "profile") return command;
  const { data, init } = command.settings;
  if (data === "") {
    throw new UsageError("Cannot fine-tune: wanted --data with a folder of images, found none");
  }
  if (init === "") {
    throw new UsageError(
      "Cannot fine-tune: wanted --student with a pretrained network's weights file or run, found none",
    );
  }
  return command;
}
