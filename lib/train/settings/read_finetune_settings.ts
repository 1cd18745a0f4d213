import { checkFinetuneSettings } from "./check_finetune_settings.ts";
import { Fields, readRunSettings, readStreaming } from "./fields.ts";
import { LATER_RUN_SETTINGS } from "./run_settings.ts";
import { CROPS, type FinetuneSettings } from "./finetune_settings.ts";

/**
 * Reads the settings of a fine-tuning run from what its `config.json` holds; keys it does not know are left aside.
 *
 * @param value The parsed JSON.
 * @param source What it was read from, for messages.
 * @returns The settings, checked as at the start of a run.
 * @throws {TypeError} If it is not an object, or a key is missing or of another type.
 * @throws {RangeError} If a value is out of its range.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { FINETUNE_DEFAULTS } from "./finetune_settings.ts";
 *
 * const json = JSON.stringify({ ...FINETUNE_DEFAULTS, freeze: 2 });
 * assert.equal(readFinetuneSettings(JSON.parse(json), "config.json").freeze, 2);
 * ```
 */
export function readFinetuneSettings(value: unknown, source: string): FinetuneSettings {
  const of = new Fields(value, source, { later: LATER_RUN_SETTINGS });
  const settings: FinetuneSettings = {
    data: of.text("data"),
    teacher: of.text("teacher"),
    crop: of.oneOf("crop", CROPS),
    freeze: of.number("freeze"),
    keep_head: of.truth("keep_head"),
    ...readStreaming(of),
    ...readRunSettings(of),
  };
  checkFinetuneSettings(settings);
  return settings;
}
