import { reasonOf } from "./reason_of.ts";

/**
 * Tells whether something lies at a path.
 *
 * @param path The path.
 * @returns Whether a file or a folder is there.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(await exists("no/such/file"), false);
 * ```
 */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether an error says that nothing lies at a path, or that the path leads through what is no folder. */
export function isNotThere(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/**
 * Says in a message what was found at a path where something else was wanted.
 *
 * @param path The path.
 * @param error Why it could not be read, if that was tried.
 * @returns `none`, `a file`, `a folder`, `a link that leads nowhere`, or that it cannot be read.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(await foundAt("no/such/file"), "none");
 * assert.equal(await foundAt("."), "a folder");
 * ```
 */
export async function foundAt(path: string, error?: unknown): Promise<string> {
  try {
    const isWrongKind = isNotThere(error) || error instanceof Deno.errors.IsADirectory;
    if (error !== undefined && !isWrongKind) throw error;
    return (await Deno.stat(path)).isDirectory ? "a folder" : "a file";
  } catch (error) {
    if (!isNotThere(error)) return `none that can be read (${reasonOf(error)})`;
    const isLink = await Deno.lstat(path).then(({ isSymlink }) => isSymlink, () => false);
    return isLink ? "a link that leads nowhere" : "none";
  }
}
