import { isTexts, member, parseJson } from "../../lib/json.ts";
import { isWhy, type LeftOut } from "./left_out.ts";

/** A folder of images of one class. */
export interface ListedFolder {
  /** The folder, from that of its class's split: the class's own or one in it. */
  readonly path: string;
  /** When it was last changed, in milliseconds since 1970. */
  readonly changed: number;
  /** The names of its images, sorted. */
  readonly files: readonly string[];
}

/** The images of one class. */
export interface ListedClass {
  /** The class. */
  readonly name: string;
  /** The folders that its images lie in, sorted. */
  readonly folders: readonly ListedFolder[];
  /** What in them is not among the images. */
  readonly leftOut: readonly LeftOut[];
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
 * const folders = [{ path: "cat", changed: 1, files: ["a.jpg"] }];
 * const cat = { name: "cat", folders, leftOut: [] };
 * const text = JSON.stringify({ root: "photos", train: [cat], val: [cat] });
 * assert.deepEqual(parseListing(text, "photos")?.val, [cat]);
 * assert.equal(parseListing(text, "drawings"), null);
 * ```
 */
export function parseListing(text: string, root: string): Listing | null {
  const value = parseJson(text);
  if (member(value, "root") !== root) return null;
  const [train, val] = ["train", "val"].map((split) => allOf(member(value, split), readClass));
  return train && val ? { train, val } : null;
}

function allOf<T>(value: unknown, read: (item: unknown) => T | null): T[] | null {
  if (!Array.isArray(value)) return null;
  const items = value.map(read);
  const known = items.filter((item) => item !== null);
  return known.length === items.length ? known : null;
}

function readClass(value: unknown): ListedClass | null {
  const name = member(value, "name");
  const folders = allOf(member(value, "folders"), readFolder);
  const leftOut = allOf(member(value, "leftOut"), readLeftOut);
  const isOne = typeof name === "string" && folders !== null && leftOut !== null;
  return isOne ? { name, folders, leftOut } : null;
}

function readFolder(value: unknown): ListedFolder | null {
  const [path, changed, files] = ["path", "changed", "files"].map((key) => member(value, key));
  const isOne = typeof path === "string" && typeof changed === "number" && isTexts(files);
  return isOne ? { path, changed, files } : null;
}

function readLeftOut(value: unknown): LeftOut | null {
  const [why, count, paths] = ["why", "count", "paths"].map((key) => member(value, key));
  return isWhy(why) && typeof count === "number" && isTexts(paths) ? { why, count, paths } : null;
}
