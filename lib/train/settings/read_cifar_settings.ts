import { checkCifarSettings } from "./check_cifar_settings.ts";
import { Fields, readRunSettings } from "./fields.ts";
import { type CifarSettings, DATASETS, LATER_CIFAR_SETTINGS, MODELS } from "./cifar_settings.ts";

/**
 * Reads the settings of a CIFAR run from what its `config.json` holds; keys it does not know are
 * left aside.
 *
 * @param value The parsed JSON.
 * @param source What it was read from, for messages.
 * @returns The settings, checked as at the start of a run.
 * @throws {TypeError} If it is not an object, or a key is missing or of another type.
 * @throws {RangeError} If a value is out of its range.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { CIFAR_DEFAULTS } from "./cifar_settings.ts";
 *
 * const json = JSON.stringify({ ...CIFAR_DEFAULTS, depth: 40 });
 * assert.equal(readCifarSettings(JSON.parse(json), "config.json").depth, 40);
 * assert.throws(() => readCifarSettings({}, "config.json"), /expected a number as depth, found nothing/);
 * ```
 */
export function readCifarSettings(value: unknown, source: string): CifarSettings {
  const of = new Fields(value, source, { later: LATER_CIFAR_SETTINGS });
  const settings: CifarSettings = {
    model: of.oneOf("model", MODELS),
    depth: of.number("depth"),
    width: of.number("width"),
    no_bn: of.truth("no_bn"),
    no_pool_relu: of.truth("no_pool_relu"),
    dataset: of.oneOf("dataset", DATASETS),
    dataroot: of.text("dataroot"),
    nthread: of.number("nthread"),
    teacher_id: of.text("teacher_id"),
    ...readRunSettings(of),
    randomcrop_pad: of.number("randomcrop_pad"),
    no_augment: of.truth("no_augment"),
    no_shuffle: of.truth("no_shuffle"),
    nesterov: of.truth("nesterov"),
    train_images: of.numberOrNull("train_images"),
  };
  checkCifarSettings(settings);
  return settings;
}
