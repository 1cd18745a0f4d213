import { nearestWords } from "./nearest.ts";
import { CIFAR_DEFAULTS, type CifarSettings, DATASETS, DTYPES } from "./settings.ts";

interface Rule<T> {
  wanted: string;
  holds: (value: T) => boolean;
  nearest: (value: T) => string | number | undefined;
}

const RULES: { readonly [K in keyof CifarSettings]?: Rule<CifarSettings[K]> } = {
  depth: {
    wanted: "6n+4 (10, 16, 22, 28, 40...)",
    holds: (depth) => Number.isSafeInteger(depth) && depth >= 10 && depth % 6 === 4,
    nearest: (depth) => Math.max(10, 6 * Math.round((depth - 4) / 6) + 4),
  },
  width: {
    wanted: "a factor that gives 16, 32 and 64 at least one channel",
    holds: (width) => Number.isFinite(width) && Math.floor(16 * width) >= 1,
    nearest: () => 1 / 16,
  },
  dataset: {
    wanted: `one of ${DATASETS.join(", ")}`,
    holds: (dataset) => DATASETS.includes(dataset),
    nearest: (dataset) => nearestWords(dataset, DATASETS)[0],
  },
  dtype: {
    wanted: `one of ${DTYPES.join(", ")}`,
    holds: (dtype) => DTYPES.includes(dtype),
    nearest: (dtype) => nearestWords(dtype, DTYPES)[0],
  },
  nthread: whole(0),
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
  randomcrop_pad: whole(0, 31),
  temperature: above(0),
  alpha: within(0, 1),
  beta: within(0, Infinity),
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
    nearest: () => CIFAR_DEFAULTS.logs,
  },
  train_images: orNull(whole(1)),
};

/**
 * Checks that a run can be started with these settings.
 *
 * @param settings The settings, defaults filled in.
 * @throws {RangeError} If a value is out of its range, or a transfer loss has no teacher. The
 * message names the flag, what is wanted, what was found and the nearest right value.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { CIFAR_DEFAULTS } from "./settings.ts";
 *
 * checkSettings(CIFAR_DEFAULTS);
 * assert.throws(() => checkSettings({ ...CIFAR_DEFAULTS, depth: 15 }), /the nearest is 16/);
 * ```
 */
export function checkSettings(settings: Readonly<CifarSettings>): void {
  for (const key of settingNames()) checkSetting(key, settings[key]);
  for (const key of ["alpha", "beta"] as const) {
    if (settings[key] > 0 && settings.teacher_id === "") {
      throw new RangeError(
        `Cannot train: --${key} above 0 learns from a teacher, found --${key} ${settings[key]} ` +
          `without one; name a run, a folder or a weights file with --teacher`,
      );
    }
  }
}

function checkSetting<K extends keyof CifarSettings>(key: K, value: CifarSettings[K]): void {
  const rule = RULES[key];
  if (rule === undefined || rule.holds(value)) return;
  const nearest = rule.nearest(value);
  const hint = nearest === undefined
    ? `the default is ${CIFAR_DEFAULTS[key]}`
    : `the nearest is ${nearest}`;
  const found = Array.isArray(value) ? JSON.stringify(value) : value;
  throw new RangeError(`Cannot train: --${key} must be ${rule.wanted}, found ${found}; ${hint}`);
}

function settingNames(): (keyof CifarSettings)[] {
  return Object.keys(CIFAR_DEFAULTS) as (keyof CifarSettings)[];
}

function whole(low: number, high = Number.MAX_SAFE_INTEGER): Rule<number> {
  const bound = high === Number.MAX_SAFE_INTEGER ? `of at least ${low}` : `from ${low} to ${high}`;
  return {
    wanted: `a whole number ${bound}`,
    holds: (value) => Number.isSafeInteger(value) && value >= low && value <= high,
    nearest: (value) => clamp(Math.round(value), low, high),
  };
}

function within(low: number, high: number): Rule<number> {
  return {
    wanted: high === Infinity ? `a number of at least ${low}` : `from ${low} to ${high}`,
    holds: (value) => Number.isFinite(value) && value >= low && value <= high,
    nearest: (value) => clamp(value, low, high),
  };
}

function above(low: number): Rule<number> {
  return {
    wanted: `a number above ${low}`,
    holds: (value) => Number.isFinite(value) && value > low,
    nearest: () => undefined,
  };
}

function orNull(rule: Rule<number>): Rule<number | null> {
  return {
    wanted: rule.wanted,
    holds: (value) => value === null || rule.holds(value),
    nearest: (value) => value === null ? undefined : rule.nearest(value),
  };
}

function clamp(value: number, low: number, high: number): number | undefined {
  return Number.isNaN(value) ? undefined : Math.min(high, Math.max(low, value));
}
