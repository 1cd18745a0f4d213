import { byteLength, type FileTensor } from "./file_tensor.ts";
import { findNumpyDType, isOther } from "./numpy_dtype.ts";
import {
  PickleGlobal,
  Placeholder,
  printable,
  type Stateful,
  textOf,
  Tuple,
  wordValue,
} from "./pickle_values.ts";
import { cStrides, fortranStrides, inCOrder, swapped } from "./strided.ts";

/** A pickled NumPy array, or one of its scalars. */
export class PickledArray implements Stateful {
  #tensor: FileTensor | undefined;
  #dtype: PickledDType | undefined;

  /** Takes `(version, shape, dtype, is_fortran, bytes)`. */
  setState(state: unknown): void {
    const items = state instanceof Tuple ? state.items : [];
    const [, shape, dtype, isFortran, data] = items;
    this.fill(shape, { dtype, data, isFortran: isFortran === true });
  }

  /** Takes the parts of the state; what is not of numbers is not looked at. */
  fill(
    sizes: unknown,
    { dtype: type, data, isFortran }: { dtype: unknown; data: unknown; isFortran: boolean },
  ): this {
    this.#dtype = dtypeOf(type);
    const found = findNumpyDType(this.#dtype.text);
    if (found === undefined) return this;
    const { dtype, bigEndian } = found;
    const shape = sizesOf(sizes);
    if (!(data instanceof Uint8Array)) {
      throw new TypeError(`must have an array of numbers, found one of ${wordValue(data)}`);
    }
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

  /** Its bytes. */
  get size(): number {
    return this.#tensor?.data.length ?? 0;
  }

  /** Whether it is of text, objects or dates, not of numbers. */
  get isOther(): boolean {
    return this.#dtype !== undefined && isOther(this.#dtype.text);
  }

  /**
   * The array.
   *
   * @throws {TypeError} If it is not of numbers that a tensor can have, or the pickle did not say what it holds.
   */
  get tensor(): FileTensor {
    if (this.#tensor !== undefined) return this.#tensor;
    if (this.#dtype === undefined) throw new TypeError("an array has no state");
    throw new TypeError(
      `must hold real or whole numbers, found NumPy's ${printable(this.#dtype.text)}`,
    );
  }
}

class PickledDType implements Stateful {
  #order = "";

  constructor(readonly name: string) {}

  /** As NumPy writes it, such as `>f4`. */
  get text(): string {
    return this.#order + this.name;
  }

  /** Takes `(version, byte order, ...)`. */
  setState(state: unknown): void {
    const order = state instanceof Tuple ? textOf(state.items[1]) : undefined;
    this.#order = order === ">" ? ">" : "";
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
  // types that NumPy's own names do not cover, such as numpy.dtypes.StringDType
  if (value instanceof Placeholder) return new PickledDType(value.name);
  throw new TypeError(`must have a dtype, found ${wordValue(value)}`);
}

/** Python 3 writes bytes for Python 2 as a text and its encoding. */
function encode([text, encoding]: readonly unknown[]): Uint8Array {
  if (typeof text !== "string" || textOf(encoding) !== "latin1") {
    throw new TypeError(`must encode a text as latin1, found ${wordValue(text)}`);
  }
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function fromBuffer([data, dtype, shape, order]: readonly unknown[]): PickledArray {
  return new PickledArray().fill(shape, { dtype, data, isFortran: textOf(order) === "F" });
}

function scalar([dtype, data]: readonly unknown[]): PickledArray {
  return new PickledArray().fill(new Tuple([]), { dtype, data, isFortran: false });
}

/** What pickled NumPy arrays ask for, under the names of NumPy 1 and 2. */
export const NUMPY_GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    new PickleGlobal("numpy.ndarray"),
    new PickleGlobal("numpy.dtype", ([type]) => new PickledDType(textOf(type) ?? wordValue(type))),
    new PickleGlobal("_codecs.encode", encode),
    ...["numpy.core", "numpy._core"].flatMap((core) => [
      new PickleGlobal(`${core}.multiarray._reconstruct`, () => new PickledArray()),
      new PickleGlobal(`${core}.multiarray.scalar`, scalar),
      new PickleGlobal(`${core}.numeric._frombuffer`, fromBuffer),
    ]),
  ].map((global) => [global.name, global]),
);
