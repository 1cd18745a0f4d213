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
