import { checkSettings } from "./check_settings.ts";
import {
  type CifarSettings,
  type DatasetName,
  DATASETS,
  type DtypeName,
  DTYPES,
} from "./settings.ts";

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
 * import { CIFAR_DEFAULTS } from "./settings.ts";
 *
 * const json = JSON.stringify({ ...CIFAR_DEFAULTS, depth: 40 });
 * assert.equal(readSettings(JSON.parse(json), "config.json").depth, 40);
 * assert.throws(() => readSettings({}, "config.json"), /expected a number as depth, found nothing/);
 * ```
 */
export function readSettings(value: unknown, source: string): CifarSettings {
  const of = new Fields(value, source);
  const settings: CifarSettings = {
    depth: of.number("depth"),
    width: of.number("width"),
    dataset: of.dataset("dataset"),
    dataroot: of.text("dataroot"),
    dtype: of.dtype("dtype"),
    nthread: of.number("nthread"),
    teacher_id: of.text("teacher_id"),
    batch_size: of.number("batch_size"),
    lr: of.number("lr"),
    epochs: of.number("epochs"),
    weight_decay: of.number("weight_decay"),
    epoch_step: of.numbers("epoch_step"),
    lr_decay_ratio: of.number("lr_decay_ratio"),
    resume: of.text("resume"),
    randomcrop_pad: of.number("randomcrop_pad"),
    temperature: of.number("temperature"),
    alpha: of.number("alpha"),
    beta: of.number("beta"),
    cuda: of.truth("cuda"),
    save: of.text("save"),
    ngpu: of.number("ngpu"),
    gpu_id: of.text("gpu_id"),
    seed: of.number("seed"),
    init: of.text("init"),
    max_steps: of.numberOrNull("max_steps"),
    no_augment: of.truth("no_augment"),
    no_shuffle: of.truth("no_shuffle"),
    log_every: of.number("log_every"),
    logs: of.text("logs"),
    nesterov: of.truth("nesterov"),
    train_images: of.numberOrNull("train_images"),
  };
  checkSettings(settings);
  return settings;
}

class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #source: string;

  constructor(value: unknown, source: string) {
    this.#source = source;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new TypeError(
        `Cannot read ${source}: expected an object of settings, found ${JSON.stringify(value)}`,
      );
    }
    this.#fields = new Map(Object.entries(value));
  }

  number(key: string): number {
    const value = this.#fields.get(key);
    return typeof value === "number" ? value : this.#refuse(key, "a number");
  }

  numberOrNull(key: string): number | null {
    const value = this.#fields.get(key);
    return value === null || typeof value === "number" ? value : this.#refuse(key, "a number");
  }

  numbers(key: string): number[] {
    const value: unknown = this.#fields.get(key);
    if (!Array.isArray(value)) return this.#refuse(key, "a list of numbers");
    const numbers = value.filter((entry) => typeof entry === "number");
    return numbers.length === value.length ? numbers : this.#refuse(key, "a list of numbers");
  }

  text(key: string): string {
    const value = this.#fields.get(key);
    return typeof value === "string" ? value : this.#refuse(key, "a text");
  }

  truth(key: string): boolean {
    const value = this.#fields.get(key);
    return typeof value === "boolean" ? value : this.#refuse(key, "true or false");
  }

  dataset(key: string): DatasetName {
    const name = DATASETS.find((dataset) => dataset === this.#fields.get(key));
    return name ?? this.#refuse(key, `one of ${DATASETS.join(", ")}`);
  }

  dtype(key: string): DtypeName {
    const name = DTYPES.find((dtype) => dtype === this.#fields.get(key));
    return name ?? this.#refuse(key, `one of ${DTYPES.join(", ")}`);
  }

  #refuse(key: string, wanted: string): never {
    const found = this.#fields.has(key) ? JSON.stringify(this.#fields.get(key)) : "nothing";
    throw new TypeError(
      `Cannot read ${this.#source}: expected ${wanted} as ${key}, found ${found}`,
    );
  }
}
