import { type Taps, WEIGHT_BITS } from "./taps.ts";

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

const HALF = 1 << (WEIGHT_BITS - 1);
let scratch = new Uint8Array();

/**
 * Resizes as PIL does, across and then down, each rounded to bytes, into planes.
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
  const rowBytes = 3 * columns;
  if (scratch.length < rowBytes * (highest - lowest)) {
    scratch = new Uint8Array(rowBytes * (highest - lowest));
  }
  for (let y = lowest; y < highest; y++) {
    const from = (top + y) * stride + 3 * left;
    sumAcross(pixels, { from, to: (y - lowest) * rowBytes, across, flip });
  }
  for (let y = 0; y < rows; y++) {
    const from = ((down.first[y] ?? 0) - lowest) * rowBytes;
    for (let channel = 0; channel < 3; channel++) {
      const to = (channel * rows + y) * columns;
      sumDown(into, { from: from + channel * columns, to, columns, down, weight: y * down.taps });
    }
  }
}

// The loops are written out for the few taps, which most pictures have: a third of the time is saved. Each kind of
// array has its own reader, since one reader of both would check the kind at every number.

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function word(words: Int32Array, at: number): number {
  return words[at] ?? 0;
}

function sumAcross(
  pixels: Uint8Array,
  { from, to, across, flip }: { from: number; to: number; across: Taps; flip: boolean },
): void {
  const { first, taps, weights } = across;
  const columns = first.length;
  const step = flip ? -1 : 1;
  const out = scratch;
  let d = flip ? to + columns - 1 : to;
  if (taps === 2) {
    for (let x = 0, w = 0; x < columns; x++, w += 2, d += step) {
      const p = from + 3 * word(first, x);
      const u = word(weights, w);
      const v = word(weights, w + 1);
      const r = Math.imul(byte(pixels, p), u) + Math.imul(byte(pixels, p + 3), v);
      const g = Math.imul(byte(pixels, p + 1), u) + Math.imul(byte(pixels, p + 4), v);
      const b = Math.imul(byte(pixels, p + 2), u) + Math.imul(byte(pixels, p + 5), v);
      out[d] = (HALF + r) >> WEIGHT_BITS;
      out[d + columns] = (HALF + g) >> WEIGHT_BITS;
      out[d + 2 * columns] = (HALF + b) >> WEIGHT_BITS;
    }
    return;
  }
  if (taps === 3 || taps === 4) {
    const last = taps - 1;
    for (let x = 0, w = 0; x < columns; x++, w += taps, d += step) {
      const p = from + 3 * word(first, x);
      const q = p + 3 * last;
      const u = word(weights, w);
      const v = word(weights, w + 1);
      const s = taps === 4 ? word(weights, w + 2) : 0;
      const t = word(weights, w + last);
      const r = Math.imul(byte(pixels, p), u) + Math.imul(byte(pixels, p + 3), v) +
        Math.imul(byte(pixels, p + 6), s) + Math.imul(byte(pixels, q), t);
      const g = Math.imul(byte(pixels, p + 1), u) + Math.imul(byte(pixels, p + 4), v) +
        Math.imul(byte(pixels, p + 7), s) + Math.imul(byte(pixels, q + 1), t);
      const b = Math.imul(byte(pixels, p + 2), u) + Math.imul(byte(pixels, p + 5), v) +
        Math.imul(byte(pixels, p + 8), s) + Math.imul(byte(pixels, q + 2), t);
      out[d] = (HALF + r) >> WEIGHT_BITS;
      out[d + columns] = (HALF + g) >> WEIGHT_BITS;
      out[d + 2 * columns] = (HALF + b) >> WEIGHT_BITS;
    }
    return;
  }
  for (let x = 0, w = 0; x < columns; x++, w += taps, d += step) {
    let r = HALF;
    let g = HALF;
    let b = HALF;
    for (let tap = 0, q = from + 3 * word(first, x); tap < taps; tap++, q += 3) {
      const weight = word(weights, w + tap);
      r = (r + Math.imul(byte(pixels, q), weight)) | 0;
      g = (g + Math.imul(byte(pixels, q + 1), weight)) | 0;
      b = (b + Math.imul(byte(pixels, q + 2), weight)) | 0;
    }
    out[d] = r >> WEIGHT_BITS;
    out[d + columns] = g >> WEIGHT_BITS;
    out[d + 2 * columns] = b >> WEIGHT_BITS;
  }
}

function sumDown(
  into: Uint8Array,
  { from, to, columns, down, weight }: {
    from: number;
    to: number;
    columns: number;
    down: Taps;
    weight: number;
  },
): void {
  const { taps, weights } = down;
  const row = 3 * columns;
  const lines = scratch;
  const u = word(weights, weight);
  const v = taps < 2 ? 0 : word(weights, weight + 1);
  if (taps === 2) {
    for (let p = from, d = to; d < to + columns; p++, d++) {
      const sum = Math.imul(byte(lines, p), u) + Math.imul(byte(lines, p + row), v);
      into[d] = (HALF + sum) >> WEIGHT_BITS;
    }
  } else if (taps === 3) {
    const s = word(weights, weight + 2);
    for (let p = from, d = to; d < to + columns; p++, d++) {
      const sum = Math.imul(byte(lines, p), u) + Math.imul(byte(lines, p + row), v) +
        Math.imul(byte(lines, p + 2 * row), s);
      into[d] = (HALF + sum) >> WEIGHT_BITS;
    }
  } else if (taps === 4) {
    const s = word(weights, weight + 2);
    const t = word(weights, weight + 3);
    for (let p = from, d = to; d < to + columns; p++, d++) {
      const sum = Math.imul(byte(lines, p), u) + Math.imul(byte(lines, p + row), v) +
        Math.imul(byte(lines, p + 2 * row), s) + Math.imul(byte(lines, p + 3 * row), t);
      into[d] = (HALF + sum) >> WEIGHT_BITS;
    }
  } else {
    for (let p = from, d = to; d < to + columns; p++, d++) {
      let sum = HALF;
      for (let tap = 0; tap < taps; tap++) {
        sum = (sum + Math.imul(byte(lines, p + tap * row), word(weights, weight + tap))) | 0;
      }
      into[d] = sum >> WEIGHT_BITS;
    }
  }
}
