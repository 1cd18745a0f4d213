import { nearestWords } from "../../lib/train/settings/nearest.ts";

/** An error in how a command was called: a person sees its one line, and the exit code is 2. */
export class UsageError extends Error {
  /** The error's name. */
  override readonly name = "UsageError";
  /** The process's exit code. */
  readonly exitCode = 2;
}

/** What paths and names of runs on a command line count from. */
export interface PathOptions {
  /** The folder that relative paths count from. Default: where the command was typed. */
  readonly from?: string;
  /** The folder of runs. Default: `logs` there. */
  readonly logs?: string;
}

/** One flag of a command line. */
export interface Flag<T> {
  /** The heading it stands under in the help. */
  readonly group: string;
  /** What it does, for the help. */
  readonly help: string;
  /** What its value is called in the help; a flag without one is a switch. */
  readonly value?: string;
  /** Other names of the flag; the help shows the first of them. */
  readonly aliases?: readonly string[];
  /** A letter that stands for the flag after a single dash. */
  readonly short?: string;
  /** Reads the value. */
  readonly read: (text: string, flag: string, options: PathOptions) => T;
}

/** The flags of a command line, by the names of what they set. */
export type Flags<T> = { readonly [K in keyof T]: Flag<T[K]> };

/**
 * Makes a flag that takes no value.
 *
 * @param group The heading it stands under in the help.
 * @param help What it does.
 * @returns A flag that is true where it is given.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(toggle("Run:", "Says more.").value, undefined);
 * ```
 */
export function toggle(group: string, help: string): Flag<boolean> {
  return { group, help, read: () => true };
}

/**
 * Reads a text as it stands.
 *
 * @param text The value.
 * @returns The same text.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(readText("logs"), "logs");
 * ```
 */
export function readText(text: string): string {
  return text;
}

/**
 * Reads a decimal number, with or without a fraction and an exponent.
 *
 * @param text The value.
 * @param flag The flag's name, for the message.
 * @returns A finite number.
 * @throws {UsageError} If the text is anything else.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(readNumber("1e+3", "beta"), 1000);
 * assert.throws(() => readNumber("12abc", "beta"), UsageError);
 * ```
 */
export function readNumber(text: string, flag: string): number {
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  return isNumber && Number.isFinite(Number(text))
    ? Number(text)
    : refuse(flag, { wanted: "a number such as 0.5 or 1e3", text });
}

/**
 * Reads a whole number, written in digits.
 *
 * @param text The value.
 * @param flag The flag's name, for the message.
 * @returns A whole number.
 * @throws {UsageError} If the text is anything else.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(readWhole("128", "batch_size"), 128);
 * assert.throws(() => readWhole("0x10", "batch_size"), UsageError);
 * ```
 */
export function readWhole(text: string, flag: string): number {
  return /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text))
    ? Number(text)
    : refuse(flag, { wanted: "a whole number", text });
}

/**
 * Reads a JSON list of numbers.
 *
 * @param text The value.
 * @param flag The flag's name, for the message.
 * @returns The numbers.
 * @throws {UsageError} If the text is anything else.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(readList("[60, 120, 160]", "epoch_step"), [60, 120, 160]);
 * ```
 */
export function readList(text: string, flag: string): number[] {
  const wanted = "a list such as [60,120,160]";
  const list = /^\s*\[(.*)\]\s*$/s.exec(text)?.[1];
  if (list === undefined) return refuse(flag, { wanted, text });
  const parts = list.trim() === "" ? [] : list.split(",").map((part) => part.trim());
  if (!parts.every((part) => /^-?\d+$/.test(part))) return refuse(flag, { wanted, text });
  return parts.map(Number);
}

/**
 * Reads a list of whole numbers with or without brackets.
 *
 * @param text The value.
 * @param flag The flag's name, for the message.
 * @returns The numbers.
 * @throws {UsageError} If the text is anything else.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(readShortList("2,3", "taps"), [2, 3]);
 * ```
 */
export function readShortList(text: string, flag: string): number[] {
  const list = text.trim().replace(/^\[(.*)\]$/s, "$1");
  if (/^\s*\d+\s*(,\s*\d+\s*)*$/.test(list)) return list.split(",").map(Number);
  return refuse(flag, { wanted: "a list such as 2,3", text });
}

/**
 * Reads a list of names between commas.
 *
 * @param text The value.
 * @param flag The flag's name, for the message.
 * @returns The names, at least one.
 * @throws {UsageError} If one is empty.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(readNames("none,sum", "rows"), ["none", "sum"]);
 * ```
 */
export function readNames(text: string, flag: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => name !== "")) return names;
  return refuse(flag, { wanted: "names between commas", text });
}

/**
 * Makes a reader of one of a few words.
 *
 * @param words The words.
 * @returns A reader that names the nearest word where the text is none of them.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const read = readOneOf(["CIFAR10", "shapes"]);
 * assert.equal(read("shapes", "dataset"), "shapes");
 * assert.throws(() => read("cifar", "dataset"), /the nearest is CIFAR10/);
 * ```
 */
export function readOneOf<T extends string>(
  words: readonly T[],
): (text: string, flag: string) => T {
  return (text, flag) =>
    words.find((word) => word === text) ??
      refuse(flag, {
        wanted: `one of ${words.join(", ")}`,
        text,
        nearest: nearestWords(text, words)[0],
      });
}

function refuse(
  flag: string,
  { wanted, text, nearest }: { wanted: string; text: string; nearest?: string | undefined },
): never {
  const hint = nearest === undefined ? "" : `; the nearest is ${nearest}`;
  throw new UsageError(
    `Cannot read --${flag}: expected ${wanted}, found ${JSON.stringify(text)}${hint}`,
  );
}
