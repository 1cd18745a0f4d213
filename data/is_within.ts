import { isAbsolute, relative, sep } from "node:path";

/**
 * Tells whether a path is a folder's or lies in it, by their names alone: links are resolved before.
 *
 * @param path The path.
 * @param folder The folder.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(
 *   ["/photos", "/photos/train", "/photos-256", "/"].map((path) => isWithin(path, "/photos")),
 *   [true, true, false, false],
 * );
 * ```
 */
export function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return !isAbsolute(way) && way.split(sep)[0] !== "..";
}
