import { crc32, inflateRawSync } from "node:zlib";
import { messageOf } from "./message_of.ts";

/** A file in a zip archive. */
export interface ZipEntry {
  /** Its path in the archive. */
  readonly name: string;
  /** Its size once unpacked. */
  readonly size: number;
  /**
   * Unpacks it: a view of the archive where it is only stored.
   *
   * @throws {Error} If it is damaged.
   */
  read(): Uint8Array;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const MOST_ENTRIES = 100_000;
const UNKNOWN = 0xffffffff;

interface Described {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly at: number;
}

/**
 * Lists the files of a zip archive, stored or deflated, zip64 or not. Nothing is written anywhere.
 *
 * @param bytes The whole archive.
 * @param options.limit The bytes that all files together may unpack to.
 * @returns The files by name.
 * @throws {Error} If the archive is damaged, encrypted, packed in another way, claims too much, or names a file outside
 * itself.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const archive = formatZip([["a.txt", new Uint8Array([104, 105])]]);
 * const entries = readZip(archive, { limit: 100 });
 * assert.deepEqual([...entries.get("a.txt")?.read() ?? []], [104, 105]);
 * ```
 */
export function readZip(bytes: Uint8Array, { limit }: { limit: number }): Map<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries = new Map<string, ZipEntry>();
  let total = 0;
  for (const described of directory(view, bytes)) {
    const { name, size } = described;
    total += size;
    if (total > limit) {
      throw new RangeError(
        `${name} unpacks to ${size} bytes, and with it all files to ${total}; an archive of this size may have ${limit}`,
      );
    }
    if (entries.has(name)) throw new RangeError(`each file must occur once, found ${name} twice`);
    entries.set(name, { name, size, read: () => unpack(view, bytes, described) });
  }
  return entries;
}

function* directory(view: DataView, bytes: Uint8Array): Generator<Described> {
  const { count, start } = findDirectory(view);
  let at = start;
  for (let index = 0; index < count; index++) {
    if (at + CENTRAL_BYTES > view.byteLength || view.getUint32(at, true) !== CENTRAL) {
      throw new RangeError(
        `the directory must have ${count} files, found ${index} up to byte ${at}`,
      );
    }
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const end = at + CENTRAL_BYTES + nameLength + extraLength + view.getUint16(at + 32, true);
    if (end > view.byteLength) throw new RangeError(`the directory ends inside file ${index}`);
    const name = new TextDecoder().decode(
      bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameLength),
    );
    checkName(name);
    if ((view.getUint16(at + 8, true) & 1) !== 0) {
      throw new TypeError(`${name} must not be encrypted, found that it is`);
    }
    const extra = new DataView(
      view.buffer,
      view.byteOffset + at + CENTRAL_BYTES + nameLength,
      extraLength,
    );
    const [size, packed, local] = wide(extra, [
      view.getUint32(at + 24, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 42, true),
    ]);
    yield {
      name,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      size,
      packed,
      at: local,
    };
    at = end;
  }
}

function findDirectory(view: DataView): { count: number; start: number } {
  const first = Math.max(0, view.byteLength - END_BYTES - 0xffff);
  for (let at = view.byteLength - END_BYTES; at >= first; at--) {
    if (view.getUint32(at, true) !== END) continue;
    const plain = { count: view.getUint16(at + 10, true), start: view.getUint32(at + 16, true) };
    const place = plain.count === 0xffff || plain.start === UNKNOWN
      ? findDirectory64(view, at)
      : plain;
    if (place.count <= MOST_ENTRIES && place.start <= at) return place;
    throw new RangeError(`the directory must lie in the archive, found it at byte ${place.start}`);
  }
  throw new RangeError("the archive must end with a directory, found none");
}

function findDirectory64(view: DataView, end: number): { count: number; start: number } {
  const locator = end - 20;
  if (locator >= 0 && view.getUint32(locator, true) === LOCATOR_64) {
    const at = Number(view.getBigUint64(locator + 8, true));
    if (at + 56 <= locator && view.getUint32(at, true) === END_64) {
      return {
        count: Number(view.getBigUint64(at + 32, true)),
        start: Number(view.getBigUint64(at + 48, true)),
      };
    }
  }
  throw new RangeError("the archive must have a zip64 directory, found none");
}

/** Sizes that do not fit into 32 bits stand in an extra field, only those, in this order. */
function wide(extra: DataView, narrow: [number, number, number]): [number, number, number] {
  const missing = narrow.filter((value) => value === UNKNOWN).length;
  for (let at = 0; missing > 0 && at + 4 <= extra.byteLength;) {
    const length = extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) !== 1) {
      at += 4 + length;
      continue;
    }
    if (length < missing * 8 || at + 4 + missing * 8 > extra.byteLength) break;
    let next = at + 4;
    const value = (given: number): number => {
      if (given !== UNKNOWN) return given;
      next += 8;
      return Number(extra.getBigUint64(next - 8, true));
    };
    return [value(narrow[0]), value(narrow[1]), value(narrow[2])];
  }
  if (missing > 0) throw new RangeError("a zip64 size must be given, found none");
  return narrow;
}

function checkName(name: string): void {
  const isInside = !/^[/\\]|[\\:\0]/.test(name) && !name.split("/").includes("..");
  if (!isInside) {
    throw new TypeError(`files must lie in the archive, found the path ${JSON.stringify(name)}`);
  }
}

function unpack(view: DataView, bytes: Uint8Array, entry: Described): Uint8Array {
  const { name, method, crc, packed, size, at } = entry;
  if (at + LOCAL_BYTES > view.byteLength || view.getUint32(at, true) !== LOCAL) {
    throw new RangeError(`${name} must begin at byte ${at}, found something else there`);
  }
  const start = at + LOCAL_BYTES + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (start + packed > bytes.length) {
    throw new RangeError(`${name} must have ${packed} bytes from ${start}, found the end before`);
  }
  const data = bytes.subarray(start, start + packed);
  const unpacked = method === 0 ? data : inflate(data, entry);
  if (unpacked.length !== size) {
    throw new RangeError(`${name} must unpack to ${size} bytes, found ${unpacked.length}`);
  }
  const found = crc32(unpacked);
  if (found !== crc) {
    throw new RangeError(
      `${name} must have the checksum ${crc.toString(16)}, found ${found.toString(16)}`,
    );
  }
  return unpacked;
}

function inflate(data: Uint8Array, { name, method, size }: Described): Uint8Array {
  if (method !== 8) {
    throw new TypeError(`${name} must be stored or deflated, found method ${method}`);
  }
  try {
    return inflateRawSync(data, { maxOutputLength: Math.max(1, size) });
  } catch (cause) {
    throw new Error(`${name} must be deflated, found damage: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Writes a zip archive of stored files, without times, so that the same files give the same bytes.
 *
 * @param files Names and contents.
 * @throws {RangeError} If the archive would be larger than four gigabytes.
 */
export function formatZip(
  files: readonly (readonly [string, Uint8Array])[],
): Uint8Array<ArrayBuffer> {
  const named = files.map(([name, data]) => ({ name: new TextEncoder().encode(name), data }));
  const total = named.reduce(
    (sum, { name, data }) => sum + LOCAL_BYTES + CENTRAL_BYTES + 2 * name.length + data.length,
    END_BYTES,
  );
  if (total >= UNKNOWN || named.length >= 0xffff) {
    throw new RangeError(`a zip archive must have less than 4 GiB, found ${total} bytes`);
  }
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const places = named.map(({ name, data }) => {
    const start = at;
    view.setUint32(at, LOCAL, true);
    writeCommon(view, at + 4, { name, data });
    bytes.set(name, at + LOCAL_BYTES);
    bytes.set(data, at + LOCAL_BYTES + name.length);
    at += LOCAL_BYTES + name.length + data.length;
    return { name, data, start };
  });
  const directoryStart = at;
  for (const { name, data, start } of places) {
    view.setUint32(at, CENTRAL, true);
    view.setUint16(at + 4, 20, true);
    writeCommon(view, at + 6, { name, data });
    view.setUint32(at + 42, start, true);
    bytes.set(name, at + CENTRAL_BYTES);
    at += CENTRAL_BYTES + name.length;
  }
  view.setUint32(at, END, true);
  view.setUint16(at + 8, places.length, true);
  view.setUint16(at + 10, places.length, true);
  view.setUint32(at + 12, at - directoryStart, true);
  view.setUint32(at + 16, directoryStart, true);
  return bytes;
}

/** The fields that a file's own header and its line in the directory share; UTF-8 name, first day of 1980. */
function writeCommon(
  view: DataView,
  at: number,
  { name, data }: { name: Uint8Array; data: Uint8Array },
): void {
  view.setUint16(at, 20, true);
  view.setUint16(at + 2, 0x0800, true);
  view.setUint16(at + 8, 0x21, true);
  view.setUint32(at + 10, crc32(data), true);
  view.setUint32(at + 14, data.length, true);
  view.setUint32(at + 18, data.length, true);
  view.setUint16(at + 22, name.length, true);
}
