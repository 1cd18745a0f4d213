import { checkImageNetSettings } from "./check_imagenet_settings.ts";
import { Fields, readRunSettings, readStreaming } from "./fields.ts";
import {
  DEPTH34_BLOCKS,
  type ImageNetSettings,
  LATER_IMAGENET_SETTINGS,
} from "./imagenet_settings.ts";

/**
 * Reads the settings of an ImageNet run from what its `config.json` holds; keys it does not know are left aside.
 *
 * @param value The parsed JSON.
 * @param source What it was read from, for messages.
 * @returns The settings, checked as at the start of a run.
 * @throws {TypeError} If it is not an object, or a key is missing or of another type.
 * @throws {RangeError} If a value is out of its range.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { IMAGENET_DEFAULTS } from "./imagenet_settings.ts";
 *
 * const json = JSON.stringify({ ...IMAGENET_DEFAULTS, taps: [2, 3] });
 * assert.deepEqual(readImageNetSettings(JSON.parse(json), "config.json").taps, [2, 3]);
 * ```
 */
export function readImageNetSettings(value: unknown, source: string): ImageNetSettings {
  const of = new Fields(value, source, { later: LATER_IMAGENET_SETTINGS });
  const settings: ImageNetSettings = {
    depth: of.number("depth"),
    width: of.number("width"),
    imagenetpath: of.text("imagenetpath"),
    teacher_params: of.text("teacher_params"),
    ...readRunSettings(of),
    ...readStreaming(of),
    teacher_random: of.numberOrNull("teacher_random"),
    depth34_blocks: of.oneOf("depth34_blocks", DEPTH34_BLOCKS),
  };
  checkImageNetSettings(settings);
  return settings;
}
