import type { Images } from "../lib/train/image_set.ts";
import { messageOf } from "../lib/weights/message_of.ts";

/** What the records of CIFAR's binary format look like. */
export interface RecordFormat {
  /** Name of the set, for errors. */
  readonly name: string;
  /** Height and width of an image, in pixels. */
  readonly size: number;
  /** Number of classes; every label is below it. */
  readonly classes: number;
  /** Label bytes before each image; the last is the one that is used. */
  readonly labels: number;
}

/**
 * Reads files of records in CIFAR's binary format: label bytes, then the planar image.
 *
 * @param paths The files, in order.
 * @param format The records.
 * @returns All images, in the order of the files.
 * @throws {Error} If a file is missing, empty, not a whole number of records, or holds a label that
 * is not below the number of classes.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeFile(path, Uint8Array.of(1, 10, 20, 30, 0, 40, 50, 60));
 * const images = await readRecords([path], { name: "dots", size: 1, classes: 2, labels: 1 });
 * assert.deepEqual([...images.labels], [1, 0]);
 * assert.deepEqual([...images.pixels], [10, 20, 30, 40, 50, 60]);
 * await Deno.remove(path);
 * ```
 */
export async function readRecords(
  paths: readonly string[],
  format: RecordFormat,
): Promise<Images> {
  const image = imageBytes(format);
  const record = format.labels + image;
  const files: Uint8Array[] = [];
  for (const path of paths) {
    files.push(
      await readSetFile(path, {
        name: format.name,
        parse: (bytes) => {
          checkRecords(bytes, format);
          return bytes;
        },
      }),
    );
  }
  const count = files.reduce((sum, bytes) => sum + bytes.length / record, 0);
  const pixels = new Uint8Array(count * image);
  const labels = new Uint8Array(count);
  let index = 0;
  for (const bytes of files) {
    for (let start = 0; start < bytes.length; start += record, index++) {
      labels[index] = bytes[start + format.labels - 1] ?? 0;
      pixels.set(bytes.subarray(start + format.labels, start + record), index * image);
    }
  }
  return { count, pixels, labels };
}

/**
 * Reads a file of a set.
 *
 * @param path The file.
 * @param options The set's name, for errors, and what makes the content of the bytes.
 * @throws {Error} If the file is missing or its content is not as it must be; the message names it.
 */
export async function readSetFile<T>(
  path: string,
  { name, parse }: { name: string; parse: (bytes: Uint8Array) => T },
): Promise<T> {
  try {
    return parse(await Deno.readFile(path));
  } catch (cause) {
    const missing = cause instanceof Deno.errors.NotFound;
    const reason = missing ? `${name} needs this file, found none` : messageOf(cause);
    throw new Error(`Cannot read ${path}: ${reason}`, { cause });
  }
}

function checkRecords(bytes: Uint8Array, format: RecordFormat): void {
  const record = format.labels + imageBytes(format);
  const over = bytes.length % record;
  if (over > 0 || bytes.length === 0) {
    const rest = over > 0 ? `, ${over} bytes over ${(bytes.length - over) / record} records` : "";
    throw new Error(
      `it must hold one or more records of ${record} bytes, found ${bytes.length} bytes${rest}`,
    );
  }
  for (let start = 0; start < bytes.length; start += record) {
    const label = bytes[start + format.labels - 1] ?? 0;
    if (label < format.classes) continue;
    const index = start / record;
    throw new Error(`labels must be below ${format.classes}, found ${label} in record ${index}`);
  }
}

/** The bytes of an image. */
export function imageBytes({ size }: Pick<RecordFormat, "size">): number {
  return 3 * size * size;
}
