import { basename, dirname, join } from "node:path";
import { messageOf } from "../lib/weights/message_of.ts";
import { type Extract, extract } from "./tar_stream.ts";

/**
 * Unpacks the folder that a `.tar.gz` archive holds: whole, or not at all.
 *
 * The files go to a folder beside it first, which is renamed at the end.
 *
 * @param archive The archive.
 * @param folder Where the folder goes; the archive holds it under the same name.
 * @throws {Error} If a file or a folder with files is there already, or if the archive is damaged, does not hold the
 * folder, or holds a link, a device or a path that leads elsewhere; then nothing is unpacked.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { arrayBuffer } from "node:stream/consumers";
 * import { pack } from "./tar_stream.ts";
 *
 * const root = await Deno.makeTempDir();
 * const tar = pack();
 * tar.entry({ name: "set/one.txt" }, "1");
 * tar.finalize();
 * const bytes = new Blob([await arrayBuffer(tar)]).stream();
 * const gzip = bytes.pipeThrough(new CompressionStream("gzip"));
 * await Deno.writeFile(`${root}/set.tar.gz`, gzip);
 * await unpackFolder(`${root}/set.tar.gz`, `${root}/set`);
 * assert.equal(await Deno.readTextFile(`${root}/set/one.txt`), "1");
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export async function unpackFolder(archive: string, folder: string): Promise<void> {
  const aside = `${folder}.${crypto.randomUUID()}.part`;
  const name = basename(folder);
  try {
    const held = await unpack(archive, aside);
    if (!held.has(name)) throw new Error(`it must hold the folder ${name}, found ${list(held)}`);
    await Deno.rename(join(aside, name), folder);
  } catch (cause) {
    throw new Error(`Cannot unpack ${archive}: ${messageOf(cause)}`, { cause });
  } finally {
    await Deno.remove(aside, { recursive: true }).catch(() => undefined);
  }
}

async function unpack(archive: string, target: string): Promise<Set<string>> {
  const file = await Deno.open(archive);
  const bytes = file.readable.pipeThrough(new DecompressionStream("gzip"));
  const entries = extract();
  const feeding = feed(entries, bytes);
  try {
    return await writeEntries(entries, target);
  } finally {
    await feeding;
  }
}

async function writeEntries(entries: Extract, target: string): Promise<Set<string>> {
  const held = new Set<string>();
  for await (const entry of entries) {
    const { name, type } = entry.header;
    const parts = partsInside(name);
    if (type === "file" || type === "contiguous-file") {
      const path = join(target, ...parts);
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeFile(path, ReadableStream.from(bytesOf(entry)));
    } else if (type === "directory") {
      entry.resume();
    } else {
      throw new Error(`its entries must be files and folders, found the ${type} ${name}`);
    }
    if (parts.length > 1) held.add(parts[0] ?? "");
  }
  return held;
}

function partsInside(name: string): string[] {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (name.startsWith("/") || parts.some((part) => part === ".." || /[\\:\0]/.test(part))) {
    throw new Error(`its paths must lead into the folder, found ${name}`);
  }
  return parts;
}

async function* bytesOf(entry: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const piece of entry) {
    if (!(piece instanceof Uint8Array)) throw new TypeError(`it must hold bytes, found ${piece}`);
    yield piece;
  }
}

async function feed(entries: Extract, bytes: ReadableStream<Uint8Array>): Promise<void> {
  try {
    for await (const piece of bytes) {
      if (entries.destroyed) return;
      if (!entries.write(piece)) await drained(entries);
    }
    entries.end(null);
  } catch (error) {
    entries.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

function drained(entries: Extract): Promise<void> {
  return new Promise((resolve) => entries.once("drain", resolve).once("close", resolve));
}

function list(names: ReadonlySet<string>): string {
  return names.size === 0 ? "none" : [...names].join(", ");
}
