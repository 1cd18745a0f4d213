import { type Bitmap, readBitmap } from "./bitmap.ts";
import { free } from "./free.ts";
import { hasJpegEnd, readJpegHeader } from "./jpeg_header.ts";
import type { Patch } from "./resample.ts";
import { sharp } from "./sharp.ts";
import type { Box, Size } from "./view.ts";

/** Decoded pixels, whose memory is given back when they are disposed of. */
export interface DecodedPatch extends Patch, Disposable {}

/** A picture whose pixels are decoded when they are asked for. */
export interface Picture extends Size {
  /** The reductions that decoding can do by itself, largest first. */
  readonly reductions: readonly number[];
  /**
   * Decodes a part.
   *
   * @param box The part, in pixels of the reduced picture, whose sides are rounded down: pixel (x, y) of it covers
   * those from (x, y) times the reduction on.
   * @param reduction One of {@link Picture.reductions}. Default: 1.
   */
  read(box: Box, reduction?: number): Promise<DecodedPatch>;
}

const FORMATS: readonly (string | undefined)[] = ["jpeg", "png", "gif", "webp", "tiff"];

/**
 * Opens a picture as PIL's `Image.open(file).convert("RGB")` sees it: by content, whatever the file is called, without
 * turning it as its EXIF data say, without its colour profile, transparency dropped, the first of several frames. Of a
 * picture of 16 bits the high bytes are taken.
 *
 * @param bytes The file: JPEG, PNG, GIF, WebP, TIFF, BMP, PGM or PPM.
 * @throws {Error} If it is none of them, or damaged. A JPEG file that is cut off is refused when the lost part is read,
 * or anything at all where its end marker is lost.
 */
export async function openPicture(bytes: Uint8Array): Promise<Picture> {
  const bitmap = readBitmap(bytes);
  if (bitmap !== null) return pictureOf(bitmap);
  if (bytes.length === 0) throw new Error("the file is empty");
  const jpeg = readJpegHeader(bytes);
  if (jpeg !== null) {
    const { width, height } = jpeg;
    const isInk = jpeg.components === 4;
    const decode = isInk ? decodeInk : decodePart;
    const isWhole = hasJpegEnd(bytes);
    const read = (box: Box, reduction = 1) =>
      decode(bytes, { width, height }, { box, reduction, isWhole });
    return { width, height, reductions: isInk ? [] : [8, 4, 2], read };
  }
  const { format, width, height } = await sharp(bytes).metadata();
  if (!FORMATS.includes(format)) {
    throw new Error(`its format must be one that PIL reads too, found ${format}`);
  }
  const size = { width, height };
  const read = (box: Box) => decodePart(bytes, size, { box, reduction: 1, isWhole: true });
  return { ...size, reductions: [], read };
}

/**
 * Makes a picture of pixels in memory, which stay when what is read of it is disposed of.
 *
 * @param bitmap The pixels.
 */
export function pictureOf({ width, height, pixels }: Bitmap): Picture {
  const patch = { pixels, stride: 3 * width, [Symbol.dispose]: () => {} };
  const read = ({ left, top }: Box) => Promise.resolve({ ...patch, left, top });
  return { width, height, reductions: [], read };
}

interface Part {
  readonly box: Box;
  readonly reduction: number;
  /** Whether the end of the file is there; otherwise all rows are decoded, to see whether they are. */
  readonly isWhole: boolean;
}

function pipeline(
  bytes: Uint8Array,
  { width, height }: Size,
  part: Part,
): ReturnType<typeof sharp> {
  const input = sharp(bytes, { failOn: "truncated", ignoreIcc: true, sequentialRead: true });
  const { box, reduction, isWhole } = part;
  const reduced = reduction === 1 ? input : input.resize({
    width: Math.floor(width / reduction),
    height: Math.floor(height / reduction),
    fit: "fill",
    kernel: "linear",
  });
  return (isWhole ? reduced.extract({ ...box }) : reduced).raw();
}

async function decodePart(bytes: Uint8Array, size: Size, part: Part): Promise<DecodedPatch> {
  const { data, info } = await pipeline(bytes, size, part).toBuffer({ resolveWithObject: true });
  const pixels = info.channels === 3 ? data : firstThree(data, info.channels);
  if (pixels !== data) free(data);
  return patchOf(pixels, { part, width: info.width });
}

async function decodeInk(bytes: Uint8Array, size: Size, part: Part): Promise<DecodedPatch> {
  const { data, info } = await pipeline(bytes, size, part)
    .pipelineColourspace("cmyk").toColourspace("cmyk").toBuffer({ resolveWithObject: true });
  const pixels = lightOf(data);
  free(data);
  return patchOf(pixels, { part, width: info.width });
}

function patchOf(pixels: Uint8Array, { part, width }: { part: Part; width: number }): DecodedPatch {
  const { left, top } = part.isWhole ? { left: 0, top: 0 } : part.box;
  return { pixels, stride: 3 * width, left, top, [Symbol.dispose]: () => free(pixels) };
}

/** Drops transparency; grey is repeated. */
function firstThree(data: Uint8Array, channels: number): Uint8Array {
  const pixels = new Uint8Array(data.length / channels * 3);
  for (let to = 0, from = 0; to < pixels.length; from += channels) {
    for (let channel = 0; channel < 3; channel++) {
      pixels[to++] = data[channels < 3 ? from : from + channel] ?? 0;
    }
  }
  return pixels;
}

/** Ink to light, as PIL: what black leaves, less what cyan, magenta and yellow each take of it. */
function lightOf(ink: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(ink.length / 4 * 3);
  for (let to = 0, from = 0; from < ink.length; from += 4) {
    const left = 255 - (ink[from + 3] ?? 0);
    for (let channel = 0; channel < 3; channel++) {
      const taken = (ink[from + channel] ?? 0) * left + 128;
      pixels[to++] = left - (((taken >> 8) + taken) >> 8);
    }
  }
  return pixels;
}
