import { byteLength, type FileTensor } from "./file_tensor.ts";
import { type NumpyDType, readNumpyDType } from "./numpy_dtype.ts";
import { PickleGlobal, type Stateful, textOf, Tuple, wordValue } from "./pickle_values.ts";
import { cStrides, fortranStrides, inCOrder, swapped } from "./strided.ts";

/** A pickled NumPy array. */
export class PickledArray implements Stateful {
  #tensor: FileTensor | undefined;

  /** Takes `(version, shape, dtype, is_fortran, bytes)`. */
  setState(state: unknown): void {
    const items = state instanceof Tuple ? state.items : [];
    const [, shape, dtype, isFortran, data] = items;
    if (!(data instanceof Uint8Array) || !(dtype instanceof PickledDType)) {
      throw new TypeError(`must have an array of numbers, found one of ${wordValue(data)}`);
    }
    this.fill(sizesOf(shape), { dtype, data, isFortran: isFortran === true });
  }

  /** Takes the parts of the state. */
  fill(
    shape: readonly number[],
    { dtype: { type }, data, isFortran }: {
      dtype: PickledDType;
      data: Uint8Array;
      isFortran: boolean;
    },
  ): this {
    const { dtype, bigEndian } = type;
    const elementBytes = byteLength(dtype, []);
    if (byteLength(dtype, shape) !== data.length) {
      throw new RangeError(
        `must have ${byteLength(dtype, shape)} bytes for ${dtype} [${
          shape.join(", ")
        }], found ${data.length}`,
      );
    }
    const strides = isFortran ? fortranStrides(shape) : cStrides(shape);
    const ordered = inCOrder(data, { shape, strides, offset: 0, elementBytes });
    this.#tensor = { dtype, shape, data: bigEndian ? swapped(ordered, elementBytes) : ordered };
    return this;
  }

  /**
   * The array.
   *
   * @throws {TypeError} If the pickle did not say what it holds.
   */
  get tensor(): FileTensor {
    if (this.#tensor === undefined) throw new TypeError("an array has no state");
    return this.#tensor;
  }
}

class PickledDType implements Stateful {
  type: NumpyDType;

  constructor(text: string) {
    this.type = readNumpyDType(text);
  }

  /** Takes `(version, byte order, ...)`. */
  setState(state: unknown): void {
    const order = state instanceof Tuple ? textOf(state.items[1]) : undefined;
    this.type = { ...this.type, bigEndian: order === ">" };
  }
}

function sizesOf(value: unknown): number[] {
  const items = value instanceof Tuple ? value.items : [value];
  return items.map((size) => {
    if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return size;
    throw new TypeError(`must have sizes, found ${wordValue(size)}`);
  });
}

function dtypeOf(value: unknown): PickledDType {
  if (value instanceof PickledDType) return value;
  throw new TypeError(`must have a dtype, found ${wordValue(value)}`);
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`must have bytes, found ${wordValue(value)}`);
}

/** Python 3 writes bytes for Python 2 as a text and its encoding. */
function encode([text, encoding]: readonly unknown[]): Uint8Array {
  if (typeof text !== "string" || textOf(encoding) !== "latin1") {
    throw new TypeError(`must encode a text as latin1, found ${wordValue(text)}`);
  }
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function fromBuffer([data, dtype, shape, order]: readonly unknown[]): PickledArray {
  return new PickledArray().fill(sizesOf(shape), {
    dtype: dtypeOf(dtype),
    data: bytesOf(data),
    isFortran: textOf(order) === "F",
  });
}

function scalar([dtype, data]: readonly unknown[]): PickledArray {
  return new PickledArray().fill([], {
    dtype: dtypeOf(dtype),
    data: bytesOf(data),
    isFortran: false,
  });
}

/** What pickled NumPy arrays ask for, under the names of NumPy 1 and 2. */
export const NUMPY_GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    new PickleGlobal("numpy.ndarray"),
    new PickleGlobal("numpy.dtype", ([text]) => new PickledDType(textOf(text) ?? "")),
    new PickleGlobal("_codecs.encode", encode),
    ...["numpy.core", "numpy._core"].flatMap((core) => [
      new PickleGlobal(`${core}.multiarray._reconstruct`, () => new PickledArray()),
      new PickleGlobal(`${core}.multiarray.scalar`, scalar),
      new PickleGlobal(`${core}.numeric._frombuffer`, fromBuffer),
    ]),
  ].map((global) => [global.name, global]),
);
