/** What a JPEG file says of its picture before the first coefficient. */
export interface JpegHeader {
  /** Width in pixels, as stored: a rotation in the EXIF data is not applied. */
  readonly width: number;
  /** Height in pixels, as stored. */
  readonly height: number;
  /** Number of colour components: 1 is grey, 3 colour, 4 CMYK. */
  readonly components: number;
}

const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/**
 * Reads the sizes of a JPEG file from its frame header.
 *
 * @param bytes The file, or enough of its beginning.
 * @returns The header, `null` if the bytes are no JPEG file or end before the frame header.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const frame = [0xff, 0xc0, 0, 8, 8, 0, 45, 0, 60, 1];
 * const header = readJpegHeader(Uint8Array.of(0xff, 0xd8, ...frame, 0));
 * assert.deepEqual(header, { width: 60, height: 45, components: 1 });
 * ```
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; at + 10 <= bytes.length;) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff) return null;
    if (marker === 0xff) at++;
    else if (marker === 1 || (marker >= 0xd0 && marker <= 0xd7)) at += 2;
    else if (isFrame(marker)) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      return { width, height, components: bytes[at + 9] ?? 0 };
    } else at += 2 + view.getUint16(at + 2);
  }
  return null;
}

/**
 * Tells whether the end of a JPEG file is there: its end marker lies in the last 64 KiB.
 *
 * @param bytes The file.
 * @returns Whether it is. A file without may be cut off; only decoding it to the last row tells.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(hasJpegEnd(Uint8Array.of(1, 2, 0xff, 0xd9, 0)), true);
 * assert.equal(hasJpegEnd(Uint8Array.of(1, 2, 3)), false);
 * ```
 */
export function hasJpegEnd(bytes: Uint8Array): boolean {
  const first = Math.max(0, bytes.length - 65536);
  for (let at = bytes.lastIndexOf(0xd9); at > first; at = bytes.lastIndexOf(0xd9, at - 1)) {
    if (bytes[at - 1] === 0xff) return true;
  }
  return false;
}
