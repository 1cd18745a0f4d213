/**
 * A number of 32 bits in hexadecimal digits, as checksums are written.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(hex(0xbeef), "0000beef");
 * ```
 */
export function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
