import { nearestWords } from "./nearest.ts";
import { decay, DECAYS } from "../optim/decay.ts";
import { DTYPES, type RunSettings } from "./run_settings.ts";
import { TRANSFER_DEFAULTS, type TransferSettings } from "./transfer_settings.ts";

/** What a setting must be. */
export interface Rule<T> {
  /** It in words. */
  readonly wanted: string;
  /** Whether a value is right. */
  readonly holds: (value: T) => boolean;
  /** The right value that is nearest, if that can be said. */
  readonly nearest: (value: T) => string | number | undefined;
}

/** Rules for some of the settings. */
export type Rules<S> = { readonly [K in keyof S]?: Rule<S[K]> };

/** The rules of the settings that every run has. */
export const RUN_RULES: Rules<RunSettings> = {
  dtype: oneOf(DTYPES),
  batch_size: whole(1),
  lr: above(0),
  epochs: whole(1),
  weight_decay: within(0, Infinity),
  epoch_step: {
    wanted: "a list of epochs, whole numbers of at least 1",
    holds: (epochs) => epochs.every((epoch) => Number.isSafeInteger(epoch) && epoch >= 1),
    nearest: (epochs) => JSON.stringify(epochs.map((epoch) => Math.max(1, Math.round(epoch)))),
  },
  lr_decay_ratio: above(0),
  temperature: above(0),
  alpha: within(0, 1),
  alpha_decay: decaying(),
  beta: within(0, Infinity),
  beta_decay: decaying(),
  beta_from_epoch: whole(1),
  ngpu: {
    wanted: "1, many GPUs are not supported yet",
    holds: (count) => count === 1,
    nearest: () => 1,
  },
  gpu_id: {
    wanted: "0, choosing among many GPUs is not supported yet",
    holds: (id) => id === "0",
    nearest: () => 0,
  },
  seed: whole(0, 0xffffffff),
  max_steps: orNull(whole(1)),
  log_every: whole(1),
  logs: {
    wanted: "a folder",
    holds: (logs) => logs !== "",
    nearest: () => "logs",
  },
};

/**
 * Checks settings by their rules.
 *
 * @param settings The settings.
 * @param options.rules What they must be.
 * @param options.defaults What they are unless told.
 * @throws {RangeError} If one is not; the message names the flag, what is wanted, what was found and the nearest right
 * value.
 */
export function checkRules<S extends object>(
  settings: Readonly<S>,
  { rules, defaults }: { rules: Rules<S>; defaults: Readonly<S> },
): void {
  for (const key in defaults) {
    const rule = rules[key];
    const value = settings[key];
    if (rule === undefined || rule.holds(value)) continue;
    const nearest = rule.nearest(value);
    const hint = nearest === undefined
      ? `the default is ${defaults[key]}`
      : `the nearest is ${nearest}`;
    const found = Array.isArray(value) ? JSON.stringify(value) : value;
    throw new RangeError(`Cannot train: --${key} must be ${rule.wanted}, found ${found}; ${hint}`);
  }
}

/** What a setting belongs to, and does nothing without. */
const NEEDS = {
  alpha_decay: "alpha",
  beta_decay: "beta",
  beta_from_epoch: "beta",
} as const;

/**
 * Checks that what is learned beside the labels goes together, and that there is a teacher where one is learned from.
 *
 * @param options.hasTeacher Whether there is one.
 * @param options.hint How to name one.
 * @throws {RangeError} If a loss lacks its teacher, or a setting its loss.
 */
export function checkTransfer(
  settings: Readonly<TransferSettings>,
  { hasTeacher, hint }: { hasTeacher: boolean; hint: string },
): void {
  for (const key of ["alpha", "beta"] as const) {
    if (settings[key] > 0 && !hasTeacher) {
      throw new RangeError(
        `Cannot train: --${key} above 0 learns from a teacher, found --${key} ${settings[key]} ` +
          `without one; ${hint}`,
      );
    }
  }
  for (const key of ["alpha_decay", "beta_decay", "beta_from_epoch"] as const) {
    const owner = NEEDS[key];
    if (settings[key] === TRANSFER_DEFAULTS[key] || settings[owner] > 0) continue;
    throw new RangeError(
      `Cannot train: --${key} ${settings[key]} needs a --${owner} above 0, found ${
        settings[owner]
      }`,
    );
  }
}

/** One of a few words. */
export function oneOf<T extends string>(words: readonly T[]): Rule<T> {
  return {
    wanted: `one of ${words.join(", ")}`,
    holds: (word) => words.includes(word),
    nearest: (word) => nearestWords(word, words)[0],
  };
}

/** Different groups of a network, or null for all of them. */
export function groupsBelow(count: number): Rule<number[] | null> {
  return {
    wanted: `a list of different groups from 0 to ${count - 1}, such as ${count - 2},${count - 1}`,
    holds: (taps) =>
      taps === null || taps.length > 0 && new Set(taps).size === taps.length &&
        taps.every((tap) => Number.isInteger(tap) && tap >= 0 && tap < count),
    nearest: () => undefined,
  };
}

/** The name of a {@link decay}. */
function decaying(): Rule<string> {
  return {
    wanted: "none, linear, cosine, exp or exp:rate",
    holds: (name) => isRight(() => decay(name)),
    nearest: (name) => nearestWords(name, DECAYS)[0],
  };
}

/** Whether a reader takes its text. */
function isRight(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

/** A whole number from `low` to `high`. */
export function whole(low: number, high = Number.MAX_SAFE_INTEGER): Rule<number> {
  const bound = high === Number.MAX_SAFE_INTEGER ? `of at least ${low}` : `from ${low} to ${high}`;
  return {
    wanted: `a whole number ${bound}`,
    holds: (value) => Number.isSafeInteger(value) && value >= low && value <= high,
    nearest: (value) => clamp(Math.round(value), low, high),
  };
}

/** A number from `low` to `high`. */
export function within(low: number, high: number): Rule<number> {
  return {
    wanted: high === Infinity ? `a number of at least ${low}` : `from ${low} to ${high}`,
    holds: (value) => Number.isFinite(value) && value >= low && value <= high,
    nearest: (value) => clamp(value, low, high),
  };
}

/** A number above `low`. */
export function above(low: number): Rule<number> {
  return {
    wanted: `a number above ${low}`,
    holds: (value) => Number.isFinite(value) && value > low,
    nearest: () => undefined,
  };
}

/** What a rule asks for, or null. */
export function orNull(rule: Rule<number>): Rule<number | null> {
  return {
    wanted: rule.wanted,
    holds: (value) => value === null || rule.holds(value),
    nearest: (value) => value === null ? undefined : rule.nearest(value),
  };
}

function clamp(value: number, low: number, high: number): number | undefined {
  return Number.isNaN(value) ? undefined : Math.min(high, Math.max(low, value));
}
