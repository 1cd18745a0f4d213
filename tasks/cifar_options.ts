import type { Autotune } from "../lib/train/autotune.ts";
import { checkSettings } from "../lib/train/check_settings.ts";
import { CIFAR_DEFAULTS, type CifarSettings } from "../lib/train/settings.ts";
import { CIFAR_FLAGS, CIFAR_TEXT } from "./cifar_flags.ts";
import { UsageError } from "./flags.ts";
import { parseFlags } from "./options.ts";

const RESUMED = ["epochs", "max_steps", "log_every"] as const;
const EVALUATED = ["dataset", "dataroot", "batch_size", "train_images"] as const;

/** The settings that a resumed run takes anew. */
export type ResumeChanges = Partial<Pick<CifarSettings, "epochs" | "max_steps" | "log_every">>;

/** The settings that an evaluation takes in place of those of its run. */
export type EvaluateChanges = Partial<
  Pick<CifarSettings, "dataset" | "dataroot" | "batch_size" | "train_images">
>;

/** What `deno task cifar` is asked to do. */
export type CifarCommand =
  | { kind: "print"; text: string }
  | { kind: "train"; settings: CifarSettings; autotune?: Autotune }
  | { kind: "profile"; settings: CifarSettings; autotune?: Autotune }
  | {
    kind: "resume";
    run: string;
    logs: string;
    changes: ResumeChanges;
    autotune?: Autotune;
  }
  | { kind: "evaluate"; target: string; logs: string; changes: EvaluateChanges };

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
  const parsed = parseFlags(argv, {
    flags: CIFAR_FLAGS,
    text: CIFAR_TEXT,
    defaults: CIFAR_DEFAULTS,
  });
  if (parsed.kind === "print") return parsed;
  const { evaluate, profile = false, autotune, ...given } = parsed.given;
  const settings = { ...CIFAR_DEFAULTS, ...given };
  const tuning = autotune === undefined ? {} : { autotune };
  const { resume, logs } = settings;
  if (resume !== "") {
    refuseBeside("resume", {
      names: Object.keys(parsed.given),
      allowed: [...RESUMED, "autotune"],
    });
    check(settings);
    return { kind: "resume", run: resume, logs, changes: only(given, RESUMED), ...tuning };
  }
  if (evaluate !== undefined) {
    refuseBeside("evaluate", { names: Object.keys(parsed.given), allowed: EVALUATED });
    check(settings);
    return { kind: "evaluate", target: evaluate, logs, changes: only(given, EVALUATED) };
  }
  check(settings);
  return { kind: profile ? "profile" : "train", settings, ...tuning };
}

function refuseBeside(
  flag: "resume" | "evaluate",
  { names, allowed }: { names: readonly string[]; allowed: readonly string[] },
): void {
  const fitting = [...allowed, "logs"];
  const other = names.find((name) => name !== flag && !fitting.includes(name));
  if (other === undefined) return;
  const list = fitting.map((name) => `--${name}`).join(", ");
  throw new UsageError(
    `Cannot ${flag}: expected only ${list} beside --${flag}, found --${other}; ` +
      "the other settings are the run's own",
  );
}

function check(settings: CifarSettings): void {
  try {
    checkSettings(settings);
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
}

function only<T, K extends keyof T>(given: Partial<T>, names: readonly K[]): Partial<Pick<T, K>> {
  const picked: Partial<Pick<T, K>> = {};
  for (const name of names) {
    const value = given[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
