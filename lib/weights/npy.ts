import { byteLength, type FileTensor } from "./file_tensor.ts";
import { isOther, readNumpyDType, wordNumpyDType } from "./numpy_dtype.ts";
import { cStrides, fortranStrides, inCOrder, swapped } from "./strided.ts";

/** What a `.npy` file begins with. */
export const NPY_MAGIC: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const HEADER_LIMIT = 1_000_000;
const MOST_DIMENSIONS = 64;

/**
 * Reads an array in NumPy's
 * {@link https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html | npy format}.
 *
 * @param bytes The whole file; an array in C order and little endian is a view of it.
 * @returns The array.
 * @throws {SyntaxError} If the header is malformed.
 * @throws {TypeError} If it is not an array of numbers.
 * @throws {RangeError} If the data has another size than the shape asks for.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const ones = { dtype: "U8", shape: [2], data: new Uint8Array([1, 1]) } as const;
 * assert.deepEqual(parseNpy(formatNpy(ones)), ones);
 * ```
 */
export function parseNpy(bytes: Uint8Array): FileTensor {
  const { descr, isFortran, shape, dataStart } = readHeader(bytes);
  const { dtype, bigEndian } = readNumpyDType(descr);
  const size = byteLength(dtype, shape);
  const data = bytes.subarray(dataStart);
  if (data.length !== size) {
    throw new RangeError(
      `the data must have ${size} bytes for ${dtype} [${shape.join(", ")}], found ${data.length}`,
    );
  }
  const elementBytes = byteLength(dtype, []);
  const strides = isFortran ? fortranStrides(shape) : cStrides(shape);
  const ordered = inCOrder(data, { shape, strides, offset: 0, elementBytes });
  return { dtype, shape, data: bigEndian ? swapped(ordered, elementBytes) : ordered };
}

/**
 * Whether an array in NumPy's npy format is of text, objects or dates, not of numbers.
 *
 * @param bytes The whole file; nothing behind its header is looked at.
 * @throws {SyntaxError} If the header is malformed.
 */
export function isOtherNpy(bytes: Uint8Array): boolean {
  return isOther(readHeader(bytes).descr);
}

/**
 * Writes an array in NumPy's npy format, version 1.
 *
 * @throws {TypeError} If NumPy does not have its format of numbers.
 */
export function formatNpy({ dtype, shape, data }: FileTensor): Uint8Array<ArrayBuffer> {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '${
    wordNumpyDType(dtype)
  }', 'fortran_order': False, 'shape': (${sizes}), }`;
  const dataStart = Math.ceil((10 + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(dataStart + data.length);
  bytes.set([...NPY_MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, dataStart - 10, true);
  bytes.set(new TextEncoder().encode(`${header.padEnd(dataStart - 11)}\n`), 10);
  bytes.set(data, dataStart);
  return bytes;
}

function readHeader(bytes: Uint8Array) {
  if (NPY_MAGIC.some((byte, at) => bytes[at] !== byte)) {
    throw new SyntaxError("an array must begin with \\x93NUMPY, found other bytes");
  }
  const [major = 0, minor = 0] = bytes.subarray(6);
  if (major < 1 || major > 3) {
    throw new SyntaxError(`the npy version must be 1 to 3, found ${major}.${minor}`);
  }
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) throw new SyntaxError("the header must be whole, found its begin");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataStart = start + length;
  if (length > HEADER_LIMIT || dataStart > bytes.length) {
    throw new RangeError(`the header must lie in the file, found ${length} bytes of header`);
  }
  return { ...parseHeader(new TextDecoder().decode(bytes.subarray(start, dataStart))), dataStart };
}

function parseHeader(text: string): { descr: string; isFortran: boolean; shape: number[] } {
  const fail = (key: string): never => {
    throw new SyntaxError(`the header must name ${key}, found ${text.trim().slice(0, 100)}`);
  };
  // records have a list of their fields in place of a name
  const [, name, fields] = /'descr':\s*(?:'([^']*)'|(\[[^\]]*))/.exec(text) ?? [];
  const descr = name ?? fields ?? fail("descr");
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1] ?? fail("fortran_order");
  const sizes = /'shape':\s*\(([\d\s,L]*)\)/.exec(text)?.[1] ?? fail("shape");
  const shape = sizes.split(",").map((size) => size.trim()).filter((size) => size !== "").map(
    (size) => Number(size.replace(/L$/, "")),
  );
  if (shape.length > MOST_DIMENSIONS || !shape.every(Number.isSafeInteger)) fail("shape");
  return { descr, isFortran: order === "True", shape };
}
