import { checkCifarSettings } from "../../lib/train/settings/check_cifar_settings.ts";
import { CIFAR_DEFAULTS, type CifarSettings } from "../../lib/train/settings/cifar_settings.ts";
import { readPath } from "../command_line/paths.ts";
import { CIFAR_FLAGS, CIFAR_TEXT } from "./cifar_flags.ts";
import { parseRun, RANK_SETTINGS, type RunCommand } from "./run_options.ts";

const RESUMED = ["epochs", "max_steps", "log_every", "on_nonfinite", ...RANK_SETTINGS] as const;
const EVALUATED = [
  "dataset",
  "dataroot",
  "batch_size",
  "train_images",
  "take",
  ...RANK_SETTINGS,
] as const;

/** What `deno task cifar` is asked to do. */
export type CifarCommand = RunCommand<
  CifarSettings,
  typeof RESUMED[number],
  typeof EVALUATED[number]
>;

/**
 * Reads the command line of `deno task cifar`.
 *
 * @param argv The arguments.
 * @returns What is asked for; beside `--resume` and `--evaluate`, only what was given is a change.
 * @throws {UsageError} If an argument is unknown, has a wrong value, or does not belong there.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const command = parseCifar(["--teacher", "resnet_16_2_teacher", "--beta=1e3"]);
 * assert.ok(command.kind === "train");
 * assert.equal(command.settings.beta, 1000);
 * ```
 */
export function parseCifar(argv: readonly string[]): CifarCommand {
  return parseRun(argv, {
    flags: CIFAR_FLAGS,
    text: CIFAR_TEXT,
    defaults: {
      ...CIFAR_DEFAULTS,
      dataroot: readPath(CIFAR_DEFAULTS.dataroot, "dataroot"),
      logs: readPath(CIFAR_DEFAULTS.logs, "logs"),
    },
    resumed: RESUMED,
    evaluated: EVALUATED,
    check: checkCifarSettings,
  });
}
