import type { Autotune } from "../../lib/train/autotune.ts";
import type { RunSettings } from "../../lib/train/settings/run_settings.ts";
import { type Flags, UsageError } from "../command_line/flags.ts";
import { type CommandText, parseFlags } from "../command_line/options.ts";
import { LAUNCH_FLAGS, launchOf, type LaunchRequest } from "../launch/launch_request.ts";
import type { OutsideFlags } from "./run_flags.ts";

/** The settings of how ranks are joined, which may be given anew at any time. */
export const RANK_SETTINGS = ["mpi_timeout", "mpi_library"] as const;

/** What is asked for beside what a training does. */
interface Beside {
  /** How kernels are chosen. */
  autotune?: Autotune | undefined;
  /** What was said of ranks and GPUs. */
  launch?: LaunchRequest | undefined;
}

/** What a training's command line asks for: `Resumed` and `Evaluated` name the settings that may then be given anew. */
export type RunCommand<
  Settings extends RunSettings,
  Resumed extends keyof Settings,
  Evaluated extends keyof Settings,
> =
  | { kind: "print"; text: string }
  | ({ kind: "train" | "profile"; settings: Settings } & Beside)
  | ({
    kind: "resume";
    run: string;
    logs: string;
    changes: Partial<Pick<Settings, Resumed>>;
  } & Beside)
  | ({
    kind: "evaluate";
    target: string;
    logs: string;
    changes: Partial<Pick<Settings, Evaluated>>;
    /** What counts for a weights file, which has no settings of its own. */
    settings: Settings;
  } & Beside);

/** What tells one training's command line from another's. */
export interface RunLine<
  Settings extends RunSettings,
  Resumed extends keyof Settings & string,
  Evaluated extends keyof Settings & string,
> {
  /** The flags. */
  readonly flags: Flags<Settings & OutsideFlags>;
  /** The help's texts. */
  readonly text: CommandText;
  /** What the settings are by default. */
  readonly defaults: Readonly<Settings>;
  /** The settings that may be given anew beside `--resume`. */
  readonly resumed: readonly Resumed[];
  /** The settings that count beside `--evaluate`. */
  readonly evaluated: readonly Evaluated[];
  /** Checks settings; throws a RangeError. */
  readonly check: (settings: Settings) => void;
}

/**
 * Reads the command line of a training.
 *
 * @param argv The arguments.
 * @param line The flags and what they may be.
 * @returns What is asked for; beside `--resume` and `--evaluate`, only what was given is a change.
 * @throws {UsageError} If an argument is unknown, has a wrong value, or does not belong there.
 */
export function parseRun<
  Settings extends RunSettings,
  Resumed extends keyof Settings & string,
  Evaluated extends keyof Settings & string,
>(
  argv: readonly string[],
  line: RunLine<Settings, Resumed, Evaluated>,
): RunCommand<Settings, Resumed, Evaluated> {
  const { flags, text, defaults, resumed, evaluated } = line;
  const parsed = parseFlags<Settings & OutsideFlags>(argv, { flags, text, defaults });
  if (parsed.kind === "print") return parsed;
  const names = Object.keys(parsed.given);
  // A part of both is a part of each, which TypeScript does not see where Settings is open.
  const given = parsed.given as Partial<Settings> & Partial<OutsideFlags>;
  const { evaluate, profile = false, autotune } = given;
  const settings = settingsOf(defaults, given);
  const beside = {
    ...(autotune === undefined ? {} : { autotune }),
    ...launchOf(given),
  };
  const { resume, logs } = settings;
  if (resume !== "") {
    refuseBeside("resume", { names, allowed: [...resumed, "autotune", ...LAUNCH_FLAGS] });
  } else if (evaluate !== undefined) {
    refuseBeside("evaluate", { names, allowed: [...evaluated, ...LAUNCH_FLAGS] });
  }
  try {
    // What is evaluated takes the place of --init: --take needs a file to take from.
    line.check(evaluate === undefined ? settings : { ...settings, init: evaluate });
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
  if (resume !== "") {
    return {
      kind: "resume",
      run: resume,
      logs,
      changes: only<Settings, Resumed>(given, resumed),
      ...beside,
    };
  }
  if (evaluate !== undefined) {
    return {
      kind: "evaluate",
      target: evaluate,
      logs,
      changes: only<Settings, Evaluated>(given, evaluated),
      settings,
      ...beside,
    };
  }
  return { kind: profile ? "profile" : "train", settings, ...beside };
}

/** The defaults with what was given in their place. */
function settingsOf<Settings extends object>(
  defaults: Readonly<Settings>,
  given: Partial<Settings>,
): Settings {
  const settings: Settings = { ...defaults };
  for (const name in defaults) {
    const value = given[name];
    if (value !== undefined) settings[name] = value;
  }
  return settings;
}

function refuseBeside(
  flag: "resume" | "evaluate",
  { names, allowed }: { names: readonly string[]; allowed: readonly string[] },
): void {
  const fitting = [...new Set([...allowed, "logs"])];
  const other = names.find((name) => name !== flag && !fitting.includes(name));
  if (other === undefined) return;
  const list = fitting.map((name) => `--${name}`).join(", ");
  throw new UsageError(
    `Cannot ${flag}: expected only ${list} beside --${flag}, found --${other}; ` +
      "the other settings are the run's own",
  );
}

function only<T, K extends keyof T>(given: Partial<T>, names: readonly K[]): Partial<Pick<T, K>> {
  const picked: Partial<Pick<T, K>> = {};
  for (const name of names) {
    const value = given[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
