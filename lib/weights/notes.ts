import { printable } from "./pickle_values.ts";

const MOST_NAMES = 8;

/**
 * Words what a file holds beside tensors: text, None, objects, dates.
 *
 * @param names The names of the entries.
 * @returns One note that counts and names them, none where there are none.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(leftOut(["arch", "date"]), ["left out 2 entries that are not arrays of numbers: arch, date"]);
 * ```
 */
export function leftOut(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const entries = names.length === 1
    ? "1 entry that is not an array"
    : `${names.length} entries that are not arrays`;
  return [`left out ${entries} of numbers: ${wordNames(names)}`];
}

/**
 * Words names, the first of many.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(wordNames(["epoch", "args"]), "epoch, args");
 * ```
 */
export function wordNames(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => printable(name));
  const more = names.length - shown.length;
  return [...shown, ...more > 0 ? [`${more} more`] : []].join(", ");
}
