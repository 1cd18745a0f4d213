/**
 * Gives the memory of an array back at once, where its garbage would be collected at some time: what libvips and Deno
 * allocate does not press on the collector until each worker holds tens of megabytes of it.
 *
 * @param bytes The array, empty from now on, as is all else that shares its buffer.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const bytes = Uint8Array.of(1, 2, 3);
 * free(bytes);
 * assert.equal(bytes.length, 0);
 * ```
 */
export function free({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
