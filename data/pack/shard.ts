import { crc32 } from "node:zlib";
import { hex } from "../hex.ts";
import type { ImageSpan } from "../image_list.ts";

/** An image in a shard. */
export interface Packed extends ImageSpan {
  /** Its class. */
  readonly label: number;
}

/** An image to put into a shard. */
export interface Parcel {
  /** Its class. */
  readonly label: number;
  /** A JPEG file, or red, green and blue of each pixel, row by row. */
  readonly bytes: Uint8Array;
  /** Width and height where the bytes are pixels, `null` where they are a file. */
  readonly raw: { readonly width: number; readonly height: number } | null;
}

// A shard: "PUPILPK1", the number of images, the CRC-32 of the table, then the table and the images. Numbers are little
// endian and of 32 bits, offsets of 64. A row of the table: offset, bytes, CRC-32, class, width, height (0 x 0: a JPEG
// file), so 28 bytes.
const MAGIC = "PUPILPK1";
const TABLE = 16;
const ROW = 28;

/**
 * Writes a shard whole or not at all: beside its place first, then renamed.
 *
 * @param path Where it goes; a file that is there is replaced.
 * @param parcels The images, at most `options.most`.
 * @param options.most The most images, for which room is left in the table.
 * @returns The number of images.
 * @throws {Error} If it cannot be written, or a parcel cannot be made; then nothing is left of it.
 */
export async function writeShard(
  path: string,
  parcels: AsyncIterable<Parcel>,
  { most }: { most: number },
): Promise<number> {
  const aside = `${path}.part`;
  try {
    const count = await writeTo(aside, parcels, most);
    await Deno.rename(aside, path);
    return count;
  } catch (error) {
    await Deno.remove(aside).catch(() => undefined);
    throw error;
  }
}

async function writeTo(
  path: string,
  parcels: AsyncIterable<Parcel>,
  most: number,
): Promise<number> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const table = new DataView(new ArrayBuffer(most * ROW));
  let offset = TABLE + table.byteLength;
  let count = 0;
  await file.seek(offset, Deno.SeekMode.Start);
  for await (const { label, bytes, raw } of parcels) {
    const row = count++ * ROW;
    table.setBigUint64(row, BigInt(offset), true);
    const numbers = [bytes.length, crc32(bytes), label, raw?.width ?? 0, raw?.height ?? 0];
    numbers.forEach((number, at) => table.setUint32(row + 8 + 4 * at, number, true));
    await writeAll(file, bytes);
    offset += bytes.length;
  }
  const rows = new Uint8Array(table.buffer, 0, count * ROW);
  const head = new DataView(new ArrayBuffer(TABLE));
  new TextEncoder().encodeInto(MAGIC, new Uint8Array(head.buffer));
  head.setUint32(8, count, true);
  head.setUint32(12, crc32(rows), true);
  await file.seek(0, Deno.SeekMode.Start);
  await writeAll(file, new Uint8Array(head.buffer));
  await writeAll(file, rows);
  await file.sync();
  return count;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

/**
 * Reads which images a shard holds.
 *
 * @param path The shard.
 * @throws {Error} If it is no shard, is cut off, or its table has another checksum.
 */
export async function readShardTable(path: string): Promise<Packed[]> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  const head = new DataView(await readAt(file, { path, offset: 0, bytes: TABLE }));
  const magic = new TextDecoder().decode(new Uint8Array(head.buffer, 0, 8));
  if (magic !== MAGIC) throw damaged(path, 0, `${MAGIC}, found ${JSON.stringify(magic)}`);
  const count = head.getUint32(8, true);
  if (TABLE + count * ROW > size) {
    throw damaged(path, 8, `a table within the ${size} bytes, found ${count} images`);
  }
  const table = new DataView(await readAt(file, { path, offset: TABLE, bytes: count * ROW }));
  const found = crc32(new Uint8Array(table.buffer));
  const wanted = head.getUint32(12, true);
  if (found !== wanted) {
    throw damaged(path, TABLE, `a table of CRC-32 ${hex(wanted)}, found ${hex(found)}`);
  }
  return Array.from({ length: count }, (_, at) => {
    const number = (field: number) => table.getUint32(at * ROW + 8 + 4 * field, true);
    const offset = Number(table.getBigUint64(at * ROW, true));
    const [bytes, crc, label, width, height] = [0, 1, 2, 3, 4].map(number);
    if (offset + (bytes ?? 0) > size) {
      throw damaged(
        path,
        offset,
        `an image of ${bytes} bytes, found the end of the file at ${size}`,
      );
    }
    return {
      offset,
      bytes: bytes ?? 0,
      crc: crc ?? 0,
      label: label ?? 0,
      raw: width === 0 ? null : { width: width ?? 0, height: height ?? 0 },
    };
  });
}

/**
 * Checks every byte of a shard against its checksums.
 *
 * @param path The shard.
 * @returns Its images.
 * @throws {Error} If a byte is not what was written.
 */
export async function verifyShard(path: string): Promise<Packed[]> {
  const images = await readShardTable(path);
  using file = await Deno.open(path);
  for (const { offset, bytes, crc } of images) {
    const found = crc32(new Uint8Array(await readAt(file, { path, offset, bytes })));
    if (found !== crc) {
      throw damaged(path, offset, `an image of CRC-32 ${hex(crc)}, found ${hex(found)}`);
    }
  }
  return images;
}

async function readAt(
  file: Deno.FsFile,
  { path, offset, bytes }: { path: string; offset: number; bytes: number },
): Promise<ArrayBuffer> {
  const into = new Uint8Array(bytes);
  await file.seek(offset, Deno.SeekMode.Start);
  for (let read = 0; read < bytes;) {
    const count = await file.read(into.subarray(read));
    if (count === null) throw damaged(path, offset, `${bytes} bytes, found ${read}`);
    read += count;
  }
  return into.buffer;
}

function damaged(path: string, offset: number, what: string): Error {
  return new Error(`Cannot read ${path}: at byte ${offset} wanted ${what}`);
}
