const MEBIBYTE = 2 ** 20;

/**
 * The bytes that a packed file may unpack to. Trained weights hardly shrink when they are packed, so a file that claims
 * to hold many times its size is damaged or made to fill the memory.
 *
 * @param size The file's size in bytes.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(decodedLimit(0), 2 ** 28);
 * ```
 */
export function decodedLimit(size: number): number {
  return 256 * MEBIBYTE + 2 * size;
}
