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
