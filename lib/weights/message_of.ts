/**
 * What an error says, for one that names what could not be done.
 *
 * @param error What was thrown.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(messageOf(new RangeError("too far")), "too far");
 * assert.equal(messageOf("thrown as it is"), "thrown as it is");
 * ```
 */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
