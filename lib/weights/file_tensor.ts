/** A number format that weight files use. */
export type FileDType =
  | "F16"
  | "BF16"
  | "F32"
  | "F64"
  | "I8"
  | "U8"
  | "I16"
  | "U16"
  | "I32"
  | "U32"
  | "I64"
  | "U64"
  | "BOOL";

/** A tensor as a file holds it. */
export interface FileTensor {
  /** Format of each number. */
  readonly dtype: FileDType;
  /** Sizes, outermost first; empty for a scalar. */
  readonly shape: readonly number[];
  /** The numbers in C order, little endian. */
  readonly data: Uint8Array;
}

/** The arrays of a file, and what else is in it. */
export interface Arrays {
  /** Arrays by name. */
  readonly tensors: ReadonlyMap<string, FileTensor>;
  /** The names of the entries that are not arrays of numbers: text, None, objects, dates. */
  readonly left: readonly string[];
}

const BYTES: Readonly<Record<FileDType, number>> = {
  F16: 2,
  BF16: 2,
  F32: 4,
  F64: 8,
  I8: 1,
  U8: 1,
  I16: 2,
  U16: 2,
  I32: 4,
  U32: 4,
  I64: 8,
  U64: 8,
  BOOL: 1,
};

/** The names of all formats. */
export const dtypes: readonly string[] = Object.keys(BYTES);

/**
 * Tells whether a value read from a file names a format.
 *
 * @param value Anything.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(isDType("BF16"), true);
 * assert.equal(isDType("F8"), false);
 * ```
 */
export function isDType(value: unknown): value is FileDType {
  return typeof value === "string" && Object.hasOwn(BYTES, value);
}

/** Whether a format is of whole numbers or truth values. */
export function isWhole(dtype: FileDType): boolean {
  return /^(?:I|U|BOOL)/.test(dtype);
}

/**
 * Counts the bytes that a tensor takes in a file.
 *
 * @param dtype Format of each number.
 * @param shape Sizes.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(byteLength("F32", [16, 3, 3, 3]), 1728);
 * ```
 */
export function byteLength(dtype: FileDType, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, BYTES[dtype]);
}

/** Makes a file's tensor of float32 numbers, in C order, which it does not copy. */
export function fileTensor(
  values: Float32Array<ArrayBuffer>,
  shape: readonly number[],
): FileTensor {
  return {
    dtype: "F32",
    shape,
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}

/**
 * Converts the numbers of a tensor to float32.
 *
 * @param tensor A tensor of F16, BF16, F32 or F64.
 * @param action What they are wanted for, as it follows "Cannot" in an error.
 * @returns A copy, rounded to nearest where F64 holds more digits.
 * @throws {TypeError} If the tensor has another format.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const half = { dtype: "F16", shape: [2], data: new Uint8Array([0, 60, 0, 192]) } as const;
 * assert.deepEqual([...floats(half, "load fc.bias")], [1, -2]);
 * ```
 */
export function floats(tensor: FileTensor, action: string): Float32Array<ArrayBuffer> {
  const { buffer } = new Uint8Array(tensor.data);
  switch (tensor.dtype) {
    case "F32":
      return new Float32Array(buffer);
    case "F64":
      return new Float32Array(new Float64Array(buffer));
    case "F16":
      return new Float32Array(new Float16Array(buffer));
    case "BF16":
      return new Float32Array(
        Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer,
      );
    default:
      throw new TypeError(
        `Cannot ${action}: dtype must be F16, BF16, F32 or F64, found ${tensor.dtype}`,
      );
  }
}

/**
 * The numbers of a tensor of whole numbers or truth values; beyond 2^53 they are rounded.
 *
 * @param tensor A tensor of I8 to U64, or BOOL.
 * @throws {TypeError} If the tensor has another format.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const labels = { dtype: "I16", shape: [2], data: new Uint8Array([3, 0, 255, 255]) } as const;
 * assert.deepEqual(wholes(labels), [3, -1]);
 * ```
 */
export function wholes(tensor: FileTensor): number[] {
  const { buffer } = new Uint8Array(tensor.data);
  switch (tensor.dtype) {
    case "BOOL":
    case "U8":
      return [...new Uint8Array(buffer)];
    case "I8":
      return [...new Int8Array(buffer)];
    case "I16":
      return [...new Int16Array(buffer)];
    case "U16":
      return [...new Uint16Array(buffer)];
    case "I32":
      return [...new Int32Array(buffer)];
    case "U32":
      return [...new Uint32Array(buffer)];
    case "I64":
      return Array.from(new BigInt64Array(buffer), Number);
    case "U64":
      return Array.from(new BigUint64Array(buffer), Number);
    default:
      throw new TypeError(`Cannot read whole numbers: found ${tensor.dtype}`);
  }
}
