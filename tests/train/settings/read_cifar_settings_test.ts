import assert from "node:assert/strict";
import { readCifarSettings } from "../../../lib/train/settings/read_cifar_settings.ts";
import {
  CIFAR_DEFAULTS,
  LATER_CIFAR_SETTINGS,
} from "../../../lib/train/settings/cifar_settings.ts";

Deno.test("readCifarSettings: gives back every setting that was written", () => {
  const given = {
    ...CIFAR_DEFAULTS,
    dataset: "shapes",
    teacher_id: "t",
    alpha: 0.5,
    max_steps: 3,
    train_images: 9,
    no_augment: true,
    epoch_step: [1],
  };
  const json = JSON.stringify({ ...given, of_a_later_version: 1 });
  assert.deepEqual(readCifarSettings(JSON.parse(json), "config.json"), given);
});

Deno.test("readCifarSettings: names the key that is missing or of another type", () => {
  const source = "logs/a/config.json";
  for (const name of Object.keys(CIFAR_DEFAULTS)) {
    const { [name]: _, ...missing } = Object.fromEntries(Object.entries(CIFAR_DEFAULTS));
    const start = `TypeError: Cannot read ${source}: expected [^\n]+ as ${name}, found`;
    if (name in LATER_CIFAR_SETTINGS) {
      assert.deepEqual(readCifarSettings(missing, source), CIFAR_DEFAULTS, name);
    } else {
      assert.throws(
        () => readCifarSettings(missing, source),
        new RegExp(`${start} nothing$`),
        name,
      );
    }
    const wrong = { ...missing, [name]: { a: 1 } };
    assert.throws(() => readCifarSettings(wrong, source), new RegExp(`${start} {"a":1}$`), name);
  }
  const strings = { ...CIFAR_DEFAULTS, epoch_step: ["60"] };
  assert.throws(() => readCifarSettings(strings, source), TypeError);
});

Deno.test("readCifarSettings: refuses what is not an object, and values out of range", () => {
  for (const value of [null, [], 1, "a"]) {
    assert.throws(
      () => readCifarSettings(value, "c"),
      /Cannot read c: expected an object of settings/,
    );
  }
  assert.throws(() => readCifarSettings({ ...CIFAR_DEFAULTS, depth: 15 }, "c"), RangeError);
});
