import { checkAccumulation, STREAMED_RULES } from "./check_streamed_settings.ts";
import { DEPTH34_BLOCKS, IMAGENET_DEFAULTS, type ImageNetSettings } from "./imagenet_settings.ts";
import { checkRules, groupsBelow, oneOf, orNull, type Rules, whole } from "./rules.ts";
import { checkTake } from "./run_rules.ts";
import { checkTransfer } from "./transfer_rules.ts";

const RULES: Rules<ImageNetSettings> = {
  ...STREAMED_RULES,
  depth: {
    wanted: "18 or 34",
    holds: (depth) => depth === 18 || depth === 34,
    nearest: (depth) => depth < 26 ? 18 : 34,
  },
  width: {
    wanted: "a factor that gives 64, 128, 256 and 512 at least one channel",
    holds: (width) => Number.isFinite(width) && Math.floor(64 * width) >= 1,
    nearest: () => 1 / 64,
  },
  teacher_random: orNull(whole(0, 0xffffffff)),
  depth34_blocks: oneOf(DEPTH34_BLOCKS),
  taps: groupsBelow(4),
};

/**
 * Checks that an ImageNet run can be started with these settings.
 *
 * @param settings The settings, defaults filled in.
 * @throws {RangeError} If a value is out of its range, or two cannot go together.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { IMAGENET_DEFAULTS } from "./imagenet_settings.ts";
 *
 * checkImageNetSettings(IMAGENET_DEFAULTS);
 * const wrong = { ...IMAGENET_DEFAULTS, accumulate: 3 };
 * assert.throws(() => checkImageNetSettings(wrong), /--accumulate must divide --batch_size/);
 * ```
 */
export function checkImageNetSettings(settings: Readonly<ImageNetSettings>): void {
  const { teacher_params, teacher_random, depth, depth34_blocks } = settings;
  checkRules(settings, { rules: RULES, defaults: IMAGENET_DEFAULTS });
  if (teacher_params !== "" && teacher_random !== null) {
    throw new RangeError(
      "Cannot train: wanted one teacher, found both --teacher_params and --teacher_random",
    );
  }
  checkTransfer(settings, {
    defaults: IMAGENET_DEFAULTS,
    hasTeacher: teacher_params !== "" || teacher_random !== null,
    hint: "name a weights file or a run with --teacher_params, or try --teacher_random 0",
  });
  checkTake(settings, { teacher: teacher_params });
  checkAccumulation(settings);
  if (depth34_blocks === "original" && depth !== 34) {
    throw new RangeError(
      `Cannot train: --depth34_blocks original is for --depth 34, found --depth ${depth}`,
    );
  }
}
