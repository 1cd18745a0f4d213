import { createHash } from "node:crypto";

/**
 * Computes the MD5 digest of a file, a piece at a time.
 *
 * @param path The file.
 * @returns The digest, 32 hexadecimal digits in lower case.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "abc");
 * assert.equal(await md5OfFile(path), "900150983cd24fb0d6963f7d28e17f72");
 * await Deno.remove(path);
 * ```
 */
export async function md5OfFile(path: string): Promise<string> {
  const file = await Deno.open(path);
  const hash = createHash("md5");
  for await (const piece of file.readable) hash.update(piece);
  return hash.digest("hex");
}
