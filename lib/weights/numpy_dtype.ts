import type { FileDType } from "./file_tensor.ts";

/** A NumPy data type that a tensor can have. */
export interface NumpyDType {
  /** The format of each number. */
  readonly dtype: FileDType;
  /** Whether the highest byte comes first. */
  readonly bigEndian: boolean;
}

const CODES: Readonly<Record<string, FileDType>> = {
  f2: "F16",
  f4: "F32",
  f8: "F64",
  i1: "I8",
  i2: "I16",
  i4: "I32",
  i8: "I64",
  u1: "U8",
  u2: "U16",
  u4: "U32",
  u8: "U64",
  b1: "BOOL",
};

/** The data type that NumPy writes so, `undefined` where a tensor cannot have it. */
export function findNumpyDType(text: string): NumpyDType | undefined {
  const [, order, code = ""] = /^([<>|=]?)([a-z]\d)$/.exec(text) ?? [];
  const dtype = Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  return dtype === undefined ? undefined : { dtype, bigEndian: order === ">" };
}

/**
 * Reads a data type as NumPy writes it, such as `<f4`.
 *
 * @throws {TypeError} If it is not a type of numbers that a tensor can have.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(readNumpyDType(">f4"), { dtype: "F32", bigEndian: true });
 * ```
 */
export function readNumpyDType(text: string): NumpyDType {
  const found = findNumpyDType(text);
  if (found !== undefined) return found;
  throw new TypeError(
    `dtype must be a type of numbers such as '<f4', found '${text.slice(0, 40)}'`,
  );
}

/**
 * Whether a data type is of anything but numbers: text, bytes, Python objects, dates and spans of time.
 *
 * @param text The type as NumPy writes it.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(["<U8", "|O", "<M8[D]", "<f4", "<c8"].map(isOther), [true, true, true, false, false]);
 * ```
 */
export function isOther(text: string): boolean {
  return /^[<>|=]?[OSUaMm](?:$|[\d[])|^numpy\.dtypes\.StringDType$/.test(text);
}

/**
 * Words a format as NumPy does.
 *
 * @throws {TypeError} If NumPy has no such type.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(wordNumpyDType("F32"), "<f4");
 * ```
 */
export function wordNumpyDType(dtype: FileDType): string {
  const code = Object.entries(CODES).find(([, value]) => value === dtype)?.[0];
  if (code === undefined) {
    throw new TypeError(`dtype must be one that NumPy has, found ${dtype}; safetensors holds it`);
  }
  return code.endsWith("1") ? `|${code}` : `<${code}`;
}
