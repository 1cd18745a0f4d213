import { dirname } from "node:path";
import { messageOf } from "../weights/message_of.ts";

/**
 * Keeps a file to one holder until it is disposed of, or until the process ends, however that ends. The file is empty
 * and stays, since another process may have it open already where it would be removed. A file system without locks, as
 * some networks' are, keeps nobody apart: whoever asks holds it.
 *
 * @param path The file; it is made where it is missing, with the folders above it.
 * @returns The lock, `null` where another holder has it.
 * @throws {Error} If the file cannot be made.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const path = await Deno.makeTempFile();
 * {
 *   using held = await lockFile(path);
 *   assert.ok(held);
 *   assert.equal(await lockFile(path), null);
 * }
 * using again = await lockFile(path);
 * assert.ok(again);
 * await Deno.remove(path);
 * ```
 */
export async function lockFile(path: string): Promise<Disposable | null> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    using opened = new DisposableStack();
    const file = opened.use(await Deno.open(path, { create: true, write: true }));
    return await file.tryLock(true).catch(() => true) ? opened.move() : null;
  } catch (cause) {
    throw new Error(`Cannot make lock ${path}: ${messageOf(cause)}`, { cause });
  }
}
