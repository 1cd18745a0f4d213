import { isTexts, member, parseJson } from "../lib/json.ts";

/** The images of one class. */
export interface ListedClass {
  /** The class. */
  readonly name: string;
  /** When its folder was last changed, in milliseconds since 1970. */
  readonly changed: number;
  /** The names of its files, sorted. */
  readonly files: readonly string[];
}

/** What a folder of images held when it was listed. */
export interface Listing {
  /** The classes to train on. */
  readonly train: readonly ListedClass[];
  /** The classes to validate on. */
  readonly val: readonly ListedClass[];
}

/**
 * Reads a list that was kept of a folder.
 *
 * @param text JSON.
 * @param root The folder that it must be of.
 * @returns The list, `null` where the text is of another folder or no list at all.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const cat = { name: "cat", changed: 1, files: ["a.jpg"] };
 * const text = JSON.stringify({ root: "photos", train: [cat], val: [cat] });
 * assert.deepEqual(parseListing(text, "photos")?.val, [cat]);
 * assert.equal(parseListing(text, "drawings"), null);
 * ```
 */
export function parseListing(text: string, root: string): Listing | null {
  const value = parseJson(text);
  if (member(value, "root") !== root) return null;
  const [train, val] = [classesOf(member(value, "train")), classesOf(member(value, "val"))];
  return train === null || val === null ? null : { train, val };
}

function classesOf(value: unknown): ListedClass[] | null {
  if (!Array.isArray(value)) return null;
  const classes = value.map((item: unknown) => {
    const [name, changed, files] = ["name", "changed", "files"].map((key) => member(item, key));
    const isOne = typeof name === "string" && typeof changed === "number" && isTexts(files);
    return isOne ? { name, changed, files } : null;
  });
  const known = classes.filter((listed) => listed !== null);
  return known.length === classes.length ? known : null;
}
