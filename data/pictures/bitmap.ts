/** A picture in memory. */
export interface Bitmap {
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Red, green and blue of each pixel, row by row, `[height, width, 3]`. */
  readonly pixels: Uint8Array;
}

/**
 * Reads the plain formats that libvips leaves out: uncompressed BMP of 8, 24 or 32 bits, and binary PGM and PPM of
 * one byte a value.
 *
 * @param bytes The file.
 * @returns The picture, `null` if the bytes are neither.
 * @throws {Error} If the file is one of them, but cut off or of a kind that is not read.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const file = new TextEncoder().encode("P6 2 1 255\nabcdef");
 * assert.deepEqual(readBitmap(file)?.pixels, new TextEncoder().encode("abcdef"));
 * ```
 */
export function readBitmap(bytes: Uint8Array): Bitmap | null {
  const [first, second] = bytes;
  if (first === 0x42 && second === 0x4d && bytes.length > 54) return readBmp(bytes);
  return first === 0x50 && (second === 0x35 || second === 0x36) ? readPnm(bytes) : null;
}

function readBmp(bytes: Uint8Array): Bitmap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [start, header] = [view.getUint32(10, true), view.getUint32(14, true)];
  const [width, rows] = [view.getInt32(18, true), view.getInt32(22, true)];
  const [bits, compression] = [view.getUint16(28, true), view.getUint32(30, true)];
  const height = Math.abs(rows);
  if (header < 40 || compression !== 0 || ![8, 24, 32].includes(bits)) {
    throw new Error(`a BMP must be uncompressed, of 8, 24 or 32 bits, found ${bits} bits`);
  }
  const stride = Math.ceil(width * bits / 32) * 4;
  const palette = bytes.subarray(14 + header, start);
  checkSize({ width, height, bytes: start + stride * height, found: bytes.length });
  const pixels = new Uint8Array(3 * width * height);
  for (let y = 0, to = 0; y < height; y++) {
    const row = start + stride * (rows > 0 ? height - 1 - y : y);
    for (let x = 0; x < width; x++) {
      const index = row + x * bits / 8;
      const [source, from] = bits === 8 ? [palette, 4 * (bytes[index] ?? 0)] : [bytes, index];
      pixels[to++] = source[from + 2] ?? 0;
      pixels[to++] = source[from + 1] ?? 0;
      pixels[to++] = source[from] ?? 0;
    }
  }
  return { width, height, pixels };
}

function readPnm(bytes: Uint8Array): Bitmap {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 4096));
  const space = "(?:\\s|#[^\\n]*\\n)+";
  const match = new RegExp(`^P([56])${space}(\\d+)${space}(\\d+)${space}(\\d+)\\s`).exec(head);
  if (match === null || match[4] !== "255") {
    throw new Error("a PGM or PPM must have its sizes and 255 in the header");
  }
  const [width, height] = [Number(match[2]), Number(match[3])];
  const channels = match[1] === "6" ? 3 : 1;
  const start = match[0].length;
  const end = start + channels * width * height;
  checkSize({ width, height, bytes: end, found: bytes.length });
  const body = bytes.subarray(start, end);
  const pixels = channels === 3
    ? body
    : Uint8Array.from({ length: 3 * body.length }, (_, at) => body[Math.floor(at / 3)] ?? 0);
  return { width, height, pixels };
}

function checkSize(
  { width, height, bytes, found }: {
    width: number;
    height: number;
    bytes: number;
    found: number;
  },
): void {
  if (width < 1 || height < 1) throw new Error(`the picture has no pixels: ${width}x${height}`);
  if (bytes > found) throw new Error(`the file is cut off: ${bytes} bytes wanted, ${found} found`);
}
