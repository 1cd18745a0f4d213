import { checkImageNetSettings } from "../../lib/train/settings/check_imagenet_settings.ts";
import {
  IMAGENET_DEFAULTS,
  type ImageNetSettings,
} from "../../lib/train/settings/imagenet_settings.ts";
import { UsageError } from "../command_line/flags.ts";
import { readPath } from "../command_line/paths.ts";
import { IMAGENET_FLAGS, IMAGENET_TEXT } from "./imagenet_flags.ts";
import { parseRun, RANK_SETTINGS, type RunCommand } from "./run_options.ts";

const RESUMED = [
  "epochs",
  "max_steps",
  "log_every",
  "on_nonfinite",
  "imagenetpath",
  "nthread",
  ...RANK_SETTINGS,
  "on_bad",
] as const;
const EVALUATED = [
  "imagenetpath",
  "nthread",
  "batch_size",
  "image_size",
  "on_bad",
  "dtype",
  "take",
  ...RANK_SETTINGS,
] as const;

/** What `deno task imagenet` is asked to do. */
export type ImageNetCommand = RunCommand<
  ImageNetSettings,
  typeof RESUMED[number],
  typeof EVALUATED[number]
>;

/**
 * Reads the command line of `deno task imagenet`.
 *
 * @param argv The arguments.
 * @returns What is asked for; beside `--resume` and `--evaluate`, only what was given is a change.
 * @throws {UsageError} If an argument is unknown, has a wrong value, or does not belong there.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const argv = ["--imagenetpath", "photos", "--teacher_random", "0", "--beta=1e3", "--taps", "2,3"];
 * const command = parseImageNet(argv);
 * assert.ok(command.kind === "train");
 * assert.deepEqual(command.settings.taps, [2, 3]);
 * ```
 */
export function parseImageNet(argv: readonly string[]): ImageNetCommand {
  const command = parseRun(argv, {
    flags: IMAGENET_FLAGS,
    text: IMAGENET_TEXT,
    defaults: { ...IMAGENET_DEFAULTS, logs: readPath(IMAGENET_DEFAULTS.logs, "logs") },
    resumed: RESUMED,
    evaluated: EVALUATED,
    check: checkImageNetSettings,
  });
  const trains = command.kind === "train" || command.kind === "profile";
  if (!trains || command.settings.imagenetpath !== "") return command;
  throw new UsageError(
    "Cannot train: wanted --imagenetpath with a folder that has train/<class>/<image> and val/<class>/<image>, found none",
  );
}
