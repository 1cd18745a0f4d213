import { crc32 } from "node:zlib";
import { Draws } from "../../lib/random.ts";
import { hex } from "../hex.ts";
import type { ImageSpan } from "../image_list.ts";
import { drawView } from "../pictures/draw_view.ts";
import { free } from "../pictures/free.ts";
import { openPicture, pictureOf } from "../pictures/picture.ts";
import { partOf, viewWithin } from "../pictures/part.ts";
import {
  randomCropView,
  resizeFor,
  type Size,
  type TrainingCrop,
  trainingView,
  validationView,
  type View,
} from "../pictures/view.ts";
import type { ImageOrder } from "./messages.ts";

/** Files that stay open, since many images of a shard are read. */
const shards = new Map<string, Deno.FsFile>();
const MOST_OPEN = 32;

/**
 * Reads and decodes an image and draws what training or validation shows of it.
 *
 * @param order Which image, and the key of its crop and flip.
 * @param options.size The side of the result.
 * @param options.crop What training shows.
 * @param options.into Where its planes go, `[3, size, size]`.
 * @throws {Error} If the image cannot be read or decoded.
 */
export async function makeImage(
  { path, span, box, key }: ImageOrder,
  options: { size: number; crop: TrainingCrop; into: Uint8Array },
): Promise<void> {
  const bytes = span === null ? Deno.readFileSync(path) : readSpan(path, span);
  const raw = span?.raw ?? null;
  const picture = raw === null ? await openPicture(bytes) : pictureOf({ ...raw, pixels: bytes });
  const part = partOf(picture, box);
  const view = viewWithin(part, viewOf(part, { key, ...options }));
  await drawView(picture, { view, mayReduce: key !== null, into: options.into });
  if (raw === null) free(bytes);
}

function viewOf(
  picture: Size,
  { key, size, crop }: { key: readonly number[] | null; size: number; crop: TrainingCrop },
): View {
  const resize = resizeFor(size);
  if (key === null) return validationView(picture, { size, resize });
  const draws = new Draws(...key);
  return crop === "random"
    ? randomCropView(picture, { size, resize, draws })
    : trainingView(picture, { size, draws });
}

let buffer = new Uint8Array();

/**
 * Room for raw pixels, the same each time: a tenth of the time would go into making it. Between reading raw pixels and
 * resizing them nothing is waited for but promises already kept, so that no other request of the worker comes between.
 */
function reused(bytes: number): Uint8Array<ArrayBuffer> {
  if (buffer.length < bytes) buffer = new Uint8Array(bytes);
  return buffer.subarray(0, bytes);
}

function readSpan(path: string, span: ImageSpan): Uint8Array {
  const file = shards.get(path) ?? Deno.openSync(path);
  shards.set(path, file);
  const [oldest] = shards.keys();
  if (shards.size > MOST_OPEN && oldest !== undefined) {
    shards.get(oldest)?.close();
    shards.delete(oldest);
  }
  const bytes = span.raw === null ? new Uint8Array(span.bytes) : reused(span.bytes);
  file.seekSync(span.offset, Deno.SeekMode.Start);
  let read = 0;
  while (read < bytes.length) {
    const count = file.readSync(bytes.subarray(read));
    if (count === null) break;
    read += count;
  }
  const found = crc32(bytes);
  if (read === bytes.length && found === span.crc) return bytes;
  throw new Error(
    `its ${span.bytes} bytes must have the CRC-32 ${hex(span.crc)}, found ${
      read < bytes.length ? `${read} bytes` : hex(found)
    }`,
  );
}
