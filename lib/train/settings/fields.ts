import { isRecord, isTexts } from "../../json.ts";
import { DISTANCES } from "../../losses/distance.ts";
import { TRANSFER_FORMS } from "../../losses/transfer_form.ts";
import { NORMS } from "../../ops/normalise.ts";
import { RESIZES } from "../../ops/resize_map.ts";
import { ON_NONFINITE } from "../non_finite.ts";
import { nearestWords } from "./nearest.ts";
import { RATE_SCALES } from "../warm_up.ts";
import { DTYPES, type RunSettings } from "./run_settings.ts";
import { AUGMENTATIONS, ON_BAD, type Streaming } from "./streamed_settings.ts";
import { GRAD_BN, type TransferSettings } from "./transfer_settings.ts";

/** The settings of a `config.json` or the fields of another JSON object, read one by one. */
export class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #source: string;

  /**
   * Wraps a parsed JSON.
   *
   * @param source What it was read from, for messages.
   * @param options.later What counts for fields that the file lacks, such as those that came in later versions.
   * @throws {TypeError} If it is not an object.
   */
  constructor(value: unknown, source: string, { later = {} }: { later?: object } = {}) {
    this.#source = source;
    if (!isRecord(value)) {
      throw new TypeError(
        `Cannot read ${source}: expected an object of settings, found ${JSON.stringify(value)}`,
      );
    }
    this.#fields = new Map(Object.entries({ ...later, ...value }));
  }

  /**
   * Refuses every field but these.
   *
   * @throws {TypeError} If there is another; the message names the nearest of those that may be there.
   */
  allowOnly(keys: readonly string[]): void {
    const stranger = [...this.#fields.keys()].find((key) => !keys.includes(key));
    if (stranger === undefined) return;
    throw new TypeError(
      `Cannot read ${this.#source}: expected one of its fields, found ${stranger}; the nearest is ${
        nearestWords(stranger, keys)[0]
      }`,
    );
  }

  /** Whether there is a field. */
  has(key: string): boolean {
    return this.#fields.has(key);
  }

  /** An object. */
  record(key: string): Readonly<Record<string, unknown>> {
    const value = this.#fields.get(key);
    return isRecord(value) ? value : this.#refuse(key, "an object");
  }

  /** A list of texts. */
  texts(key: string): string[] {
    const value: unknown = this.#fields.get(key);
    return isTexts(value) ? value : this.#refuse(key, "a list of texts");
  }

  /** A number. */
  number(key: string): number {
    const value = this.#fields.get(key);
    return typeof value === "number" ? value : this.#refuse(key, "a number");
  }

  /** A whole number of at least 1. */
  count(key: string): number {
    const value = this.#fields.get(key);
    return typeof value === "number" && Number.isSafeInteger(value) && value >= 1
      ? value
      : this.#refuse(key, "a whole number of at least 1");
  }

  /** A number, or null. */
  numberOrNull(key: string): number | null {
    const value = this.#fields.get(key);
    return value === null || typeof value === "number" ? value : this.#refuse(key, "a number");
  }

  /** A list of numbers, or null. */
  numbersOrNull(key: string): number[] | null {
    return this.#fields.get(key) === null ? null : this.numbers(key);
  }

  /** A list of numbers. */
  numbers(key: string): number[] {
    const value: unknown = this.#fields.get(key);
    if (!Array.isArray(value)) return this.#refuse(key, "a list of numbers");
    const numbers = value.filter((entry) => typeof entry === "number");
    return numbers.length === value.length ? numbers : this.#refuse(key, "a list of numbers");
  }

  /** A text. */
  text(key: string): string {
    const value = this.#fields.get(key);
    return typeof value === "string" ? value : this.#refuse(key, "a text");
  }

  /** True or false. */
  truth(key: string): boolean {
    const value = this.#fields.get(key);
    return typeof value === "boolean" ? value : this.#refuse(key, "true or false");
  }

  /** One of a few words. */
  oneOf<T extends string>(key: string, words: readonly T[]): T {
    const word = words.find((word) => word === this.#fields.get(key));
    return word ?? this.#refuse(key, `one of ${words.join(", ")}`);
  }

  #refuse(key: string, wanted: string): never {
    const found = this.#fields.has(key) ? JSON.stringify(this.#fields.get(key)) : "nothing";
    throw new TypeError(
      `Cannot read ${this.#source}: expected ${wanted} as ${key}, found ${found}`,
    );
  }
}

/** Reads what a run learns beside the labels. */
function readTransferSettings(of: Fields): TransferSettings {
  return {
    temperature: of.number("temperature"),
    alpha: of.number("alpha"),
    alpha_decay: of.text("alpha_decay"),
    beta: of.number("beta"),
    beta_decay: of.text("beta_decay"),
    beta_from_epoch: of.number("beta_from_epoch"),
    taps: of.numbersOrNull("taps"),
    map: of.text("map"),
    map_norm: of.oneOf("map_norm", NORMS),
    map_resize: of.oneOf("map_resize", RESIZES),
    at_form: of.oneOf("at_form", TRANSFER_FORMS),
    fact_beta: of.number("fact_beta"),
    grad_beta: of.number("grad_beta"),
    min_l2_beta: of.number("min_l2_beta"),
    symmetry_beta: of.number("symmetry_beta"),
    grad_distance: of.oneOf("grad_distance", DISTANCES),
    grad_bn: of.oneOf("grad_bn", GRAD_BN),
  };
}

/** Reads the settings that every run has. */
export function readRunSettings(of: Fields): RunSettings {
  return {
    dtype: of.oneOf("dtype", DTYPES),
    batch_size: of.number("batch_size"),
    lr: of.number("lr"),
    epochs: of.number("epochs"),
    weight_decay: of.number("weight_decay"),
    epoch_step: of.numbers("epoch_step"),
    lr_decay_ratio: of.number("lr_decay_ratio"),
    resume: of.text("resume"),
    ...readTransferSettings(of),
    cuda: of.truth("cuda"),
    save: of.text("save"),
    ngpu: of.number("ngpu"),
    gpu_id: of.text("gpu_id"),
    sync_bn: of.truth("sync_bn"),
    allreduce_dtype: of.oneOf("allreduce_dtype", DTYPES),
    lr_scale: of.oneOf("lr_scale", RATE_SCALES),
    mpi_timeout: of.number("mpi_timeout"),
    mpi_library: of.text("mpi_library"),
    seed: of.number("seed"),
    init: of.text("init"),
    take: of.text("take"),
    max_steps: of.numberOrNull("max_steps"),
    on_nonfinite: of.oneOf("on_nonfinite", ON_NONFINITE),
    log_every: of.number("log_every"),
    logs: of.text("logs"),
  };
}

/** Reads how the images of a run are decoded. */
export function readStreaming(of: Fields): Streaming {
  return {
    nthread: of.number("nthread"),
    image_size: of.number("image_size"),
    augment: of.oneOf("augment", AUGMENTATIONS),
    on_bad: of.oneOf("on_bad", ON_BAD),
    accumulate: of.number("accumulate"),
  };
}
