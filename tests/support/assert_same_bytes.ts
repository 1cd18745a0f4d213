import assert from "node:assert/strict";

/** Asserts that two files or tensors are the same to the last bit; a failure names the first place that differs. */
export function assertSameBytes(found: Uint8Array, wanted: Uint8Array, what: string): void {
  assert.equal(found.length, wanted.length, `${what}: bytes`);
  const at = found.findIndex((byte, at) => byte !== wanted[at]);
  assert.ok(at < 0, `${what}: byte ${at} is ${found[at]}, wanted ${wanted[at]}`);
}
