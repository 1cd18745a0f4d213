import { across as sumAcross, down as sumDown, memory } from "./resample.wasm";
import type { Taps } from "./taps.ts";

/** Pixels to resize, and where they lie among those that the taps count. */
export interface Patch {
  /** Red, green and blue of each pixel, row by row. */
  readonly pixels: Uint8Array;
  /** Bytes from a row to the next. */
  readonly stride: number;
  /** The place of the taps' column 0 in a row of `pixels`; negative where columns before the patch are left out. */
  readonly left: number;
  /** The place of the taps' row 0. */
  readonly top: number;
}

/** Bytes of the pixels that are summed across at a time: large pictures never lie in the sums' memory as a whole. */
const STRIP = 2 ** 18;

/** Bytes after each place in that memory, some of which are read or written and do not count. */
const SLACK = 16;

/**
 * Resizes as PIL does, across and then down, each rounded to bytes, into planes. The sums are `resample.wat`'s.
 *
 * @param patch The pixels.
 * @param options.across The sums of the columns.
 * @param options.down The sums of the rows.
 * @param options.flip Whether the result is mirrored, left to right.
 * @param options.into Where the planes go, `[3, rows, columns]`.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { bilinearTaps } from "./taps.ts";
 *
 * const taps = bilinearTaps(2, { output: 1 });
 * const pixels = Uint8Array.of(0, 10, 20, 4, 10, 40, 0, 10, 20, 4, 10, 40);
 * const into = new Uint8Array(3);
 * resample({ pixels, stride: 6, left: 0, top: 0 }, { across: taps, down: taps, flip: false, into });
 * assert.deepEqual([...into], [2, 10, 30]);
 * ```
 */
export function resample(
  { pixels, stride, left, top }: Patch,
  { across, down, flip, into }: { across: Taps; down: Taps; flip: boolean; into: Uint8Array },
): void {
  const [columns, rows] = [across.first.length, down.first.length];
  const lowest = down.first.reduce((a, b) => Math.min(a, b), Infinity);
  const highest = down.first.reduce((a, b) => Math.max(a, b), 0) + down.taps;
  const strip = Math.max(1, Math.floor(STRIP / stride));
  const row = 4 * columns;
  const plane = columns * rows + SLACK;
  const place = placer();
  const put = (words: Int32Array) => {
    const at = place(words.byteLength);
    new Int32Array(memory.buffer, at).set(words);
    return at;
  };
  const [firstAcross, weightsAcross] = [put(across.first), put(across.weights)];
  const [firstDown, weightsDown] = [put(down.first.map((at) => at - lowest)), put(down.weights)];
  const x = place(strip * stride);
  const lines = place((highest - lowest) * row);
  const y = place(3 * plane);
  const bytes = new Uint8Array(memory.buffer);
  const [start, step] = flip ? [lines + row - 4, -4] : [lines, 4];
  for (let at = lowest; at < highest; at += strip) {
    const count = Math.min(strip, highest - at);
    const to = start + (at - lowest) * row;
    const from = (top + at) * stride;
    bytes.set(pixels.subarray(from, from + count * stride), x);
    const { taps } = across;
    sumAcross(x + 3 * left, stride, firstAcross, weightsAcross, taps, columns, count, to, step);
  }
  sumDown(lines, firstDown, weightsDown, down.taps, columns, rows, y, plane);
  for (let channel = 0; channel < 3; channel++) {
    const from = y + channel * plane;
    into.set(bytes.subarray(from, from + columns * rows), channel * columns * rows);
  }
}

/** Gives out places of so many bytes in the sums' memory, from its beginning, and makes it large enough. */
function placer(): (size: number) => number {
  let end = 0;
  return (size) => {
    const place = end;
    end += SLACK * Math.ceil(size / SLACK + 1);
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    return place;
  };
}
