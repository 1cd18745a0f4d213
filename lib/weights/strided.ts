/** How the elements of an array lie in memory. */
export interface Strides {
  /** Sizes, outermost first. */
  readonly shape: readonly number[];
  /** Elements from one index to the next, a number a dimension. */
  readonly strides: readonly number[];
  /** The first element. */
  readonly offset: number;
  /** Bytes of an element. */
  readonly elementBytes: number;
}

/**
 * The strides of an array in C order.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(cStrides([2, 3, 4]), [12, 4, 1]);
 * ```
 */
export function cStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
}

/** The strides of an array in Fortran's order. */
export function fortranStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
}

/**
 * Brings an array into C order: a view of the bytes where they lie so already, a copy otherwise.
 *
 * @param bytes The memory that the array lies in.
 * @param array Where the elements lie.
 * @returns The elements, outermost dimension first.
 * @throws {RangeError} If an element would lie outside the memory.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const columns = { shape: [2, 2], strides: [1, 2], offset: 0, elementBytes: 1 };
 * assert.deepEqual([...inCOrder(new Uint8Array([1, 2, 3, 4]), columns)], [1, 3, 2, 4]);
 * ```
 */
export function inCOrder(
  bytes: Uint8Array,
  { shape, strides, offset, elementBytes }: Strides,
): Uint8Array {
  if (shape.includes(0)) return new Uint8Array();
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] ?? 0), offset);
  if (
    offset < 0 || strides.some((stride) => stride < 0) || (last + 1) * elementBytes > bytes.length
  ) {
    throw new RangeError(
      `its elements must lie within ${bytes.length / elementBytes}, found ${offset} to ${last}`,
    );
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const dense = cStrides(shape);
  if (shape.every((size, axis) => size === 1 || strides[axis] === dense[axis])) {
    return bytes.subarray(offset * elementBytes, (offset + count) * elementBytes);
  }
  const copy = new Uint8Array(count * elementBytes);
  const index = shape.map(() => 0);
  let from = offset;
  for (let to = 0; to < count; to++) {
    for (let byte = 0; byte < elementBytes; byte++) {
      copy[to * elementBytes + byte] = bytes[from * elementBytes + byte] ?? 0;
    }
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const [size = 1, stride = 0, at = 0] = [shape[axis], strides[axis], index[axis]];
      from += stride;
      index[axis] = at + 1;
      if (at + 1 < size) break;
      from -= size * stride;
      index[axis] = 0;
    }
  }
  return copy;
}

/** Turns the bytes of every element around. */
export function swapped(bytes: Uint8Array, elementBytes: number): Uint8Array {
  const copy = bytes.slice();
  for (let start = 0; start < copy.length; start += elementBytes) {
    copy.subarray(start, start + elementBytes).reverse();
  }
  return copy;
}
