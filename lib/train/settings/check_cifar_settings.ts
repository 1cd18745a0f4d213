import { checkRules, groupsBelow, oneOf, orNull, type Rules, whole } from "./rules.ts";
import { checkTake, RUN_RULES } from "./run_rules.ts";
import { CIFAR_DEFAULTS, type CifarSettings, DATASETS, MODELS } from "./cifar_settings.ts";
import { checkTransfer } from "./transfer_rules.ts";

const RULES: Rules<CifarSettings> = {
  ...RUN_RULES,
  model: oneOf(MODELS),
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
  dataset: oneOf(DATASETS),
  nthread: whole(0),
  randomcrop_pad: whole(0, 31),
  taps: groupsBelow(3),
  train_images: orNull(whole(1)),
};

/**
 * Checks that a run can be started with these settings.
 *
 * @param settings The settings, defaults filled in.
 * @throws {RangeError} If a value is out of its range, or two cannot go together, such as a transfer
 * loss without a teacher. The message names the flag, what is wanted, what was found and the nearest
 * right value.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { CIFAR_DEFAULTS } from "./cifar_settings.ts";
 *
 * checkCifarSettings(CIFAR_DEFAULTS);
 * assert.throws(() => checkCifarSettings({ ...CIFAR_DEFAULTS, depth: 15 }), /the nearest is 16/);
 * ```
 */
export function checkCifarSettings(settings: Readonly<CifarSettings>): void {
  checkRules(settings, { rules: RULES, defaults: CIFAR_DEFAULTS });
  checkModel(settings);
  checkTransfer(settings, {
    defaults: CIFAR_DEFAULTS,
    hasTeacher: settings.teacher_id !== "",
    hint: "name a run, a folder or a weights file with --teacher",
  });
  checkTake(settings, { teacher: settings.teacher_id });
}

/** The settings that shape one kind of network alone. */
const SHAPES = { wrn: ["depth", "width"], nin: ["no_bn", "no_pool_relu"] } as const;

function checkModel(settings: Readonly<CifarSettings>): void {
  const { model } = settings;
  const stranger = SHAPES[model === "wrn" ? "nin" : "wrn"].find((key) =>
    settings[key] !== CIFAR_DEFAULTS[key]
  );
  if (stranger === undefined) return;
  const wanted = model === "wrn" ? "nin-wide or nin-thin" : "wrn";
  throw new RangeError(
    `Cannot train: --${stranger} is for --model ${wanted}, found --model ${model}`,
  );
}
