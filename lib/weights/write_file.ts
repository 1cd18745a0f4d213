import { messageOf } from "./message_of.ts";

/**
 * Writes a file whole or not at all: beside its place first, then renamed over it.
 *
 * @param path Where the file goes; a file that is there is replaced.
 * @param content Bytes, or text written as UTF-8.
 * @throws {Error} If the file cannot be written; then a file that was there is as it was.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const path = await Deno.makeTempFile();
 * await writeFileAtomic(path, "epoch 1");
 * assert.equal(await Deno.readTextFile(path), "epoch 1");
 * await Deno.remove(path);
 * ```
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const aside = `${path}.${crypto.randomUUID()}.part`;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  try {
    await Deno.writeFile(aside, bytes, { createNew: true });
    await flush(aside);
    await Deno.rename(aside, path);
  } catch (cause) {
    await Deno.remove(aside).catch(() => undefined);
    throw new Error(`Cannot write ${path}: ${messageOf(cause)}`, { cause });
  }
}

async function flush(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.sync();
}
