import { bytesOf, type DType, type StoredArray, storedArray } from "./dtype.ts";

/**
 * How a tensor lies in memory: `channels` pads the last dimension with zeros to a multiple of four, so that four
 * channels are one vec4 load; `weights` (`[height, width, inputs, outputs]`) pads both channel dimensions.
 */
export type Layout = "channels" | "weights";

/** Rounds a number of channels up to a multiple of four. */
export function padded(channels: number): number {
  return Math.ceil(channels / 4) * 4;
}

/** Counts the vec4s that hold a number of channels. */
export function quadsOf(channels: number): number {
  return Math.ceil(channels / 4);
}

/** Multiplies the sizes of a shape; 1 for a scalar's empty shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

interface Rows {
  readonly blocks: number;
  readonly rows: number;
  readonly storedRows: number;
  readonly columns: number;
  readonly storedColumns: number;
}

function rowsOf(shape: readonly number[], layout: Layout): Rows {
  const columns = shape.at(-1) ?? 1;
  const storedColumns = padded(columns);
  if (layout === "channels") {
    const rows = sizeOf(shape.slice(0, -1));
    return { blocks: 1, rows, storedRows: rows, columns, storedColumns };
  }
  const rows = shape.at(-2) ?? 1;
  const blocks = sizeOf(shape.slice(0, -2));
  return { blocks, rows, storedRows: padded(rows), columns, storedColumns };
}

/** Counts the numbers that a tensor stores, its zero padding included. */
export function storedSize(shape: readonly number[], layout: Layout): number {
  const { blocks, storedRows, storedColumns } = rowsOf(shape, layout);
  return blocks * storedRows * storedColumns;
}

/** The bytes that a tensor stores. */
export function storedBytes(
  { shape, layout, dtype }: { shape: readonly number[]; layout: Layout; dtype: DType },
): number {
  return storedSize(shape, layout) * bytesOf(dtype);
}

/**
 * Finds where a number of a tensor is stored.
 *
 * @param place Its place in C order.
 * @returns Its place among what is stored, the padding included.
 */
export function storedPlace(
  place: number,
  { shape, layout }: { shape: readonly number[]; layout: Layout },
): number {
  const { rows, storedRows, columns, storedColumns } = rowsOf(shape, layout);
  const row = Math.floor(place / columns);
  const storedRow = Math.floor(row / rows) * storedRows + row % rows;
  return storedRow * storedColumns + place % columns;
}

interface Place {
  readonly dense: number;
  readonly stored: number;
  readonly columns: number;
}

function* places(shape: readonly number[], layout: Layout): Generator<Place> {
  const { blocks, rows, storedRows, columns, storedColumns } = rowsOf(shape, layout);
  for (let block = 0; block < blocks; block++) {
    for (let row = 0; row < rows; row++) {
      yield {
        dense: (block * rows + row) * columns,
        stored: (block * storedRows + row) * storedColumns,
        columns,
      };
    }
  }
}

/** Lays dense values out as the GPU stores them, rounded to its type, with zeros in the padding. */
export function pack(
  values: Float32Array | Uint32Array,
  { shape, layout, dtype }: { shape: readonly number[]; layout: Layout; dtype: DType },
): StoredArray {
  const packed = storedArray(dtype, storedSize(shape, layout));
  if (packed.length === values.length) {
    packed.set(values);
    return packed;
  }
  for (const { dense, stored, columns } of places(shape, layout)) {
    packed.set(values.subarray(dense, dense + columns), stored);
  }
  return packed;
}

/** Strips the padding off stored values. */
export function unpack(
  values: Float32Array | Float16Array,
  { shape, layout }: { shape: readonly number[]; layout: Layout },
): Float32Array<ArrayBuffer> {
  const dense = new Float32Array(sizeOf(shape));
  for (const place of places(shape, layout)) {
    dense.set(values.subarray(place.stored, place.stored + place.columns), place.dense);
  }
  return dense;
}
