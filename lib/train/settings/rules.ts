import { nearestWords } from "./nearest.ts";

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

/**
 * Checks settings by their rules.
 *
 * @param settings The settings.
 * @param options.rules What they must be.
 * @param options.defaults What they are by default.
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
    const usual = defaults[key] === null ? "to leave it out" : defaults[key];
    const hint = nearest === undefined ? `the default is ${usual}` : `the nearest is ${nearest}`;
    const found = Array.isArray(value) ? JSON.stringify(value) : value;
    throw new RangeError(`Cannot train: --${key} must be ${rule.wanted}, found ${found}; ${hint}`);
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

/** A text that a reader takes. */
export function readBy(
  read: (text: string) => unknown,
  { wanted, words }: { wanted: string; words: readonly string[] },
): Rule<string> {
  const isRight = (text: string) => {
    try {
      read(text);
      return true;
    } catch {
      return false;
    }
  };
  return { wanted, holds: isRight, nearest: (text) => nearestWords(text, words)[0] };
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
