import { byteLength, type FileDType, type FileTensor } from "./file_tensor.ts";
import { NUMPY_GLOBALS } from "./numpy_pickle.ts";
import { PickleGlobal, Placeholder, Tuple, UnreadableTensor, wordValue } from "./pickle_values.ts";
import { inCOrder } from "./strided.ts";

const STORAGES: Readonly<Record<string, FileDType>> = {
  Float: "F32",
  Double: "F64",
  Half: "F16",
  BFloat16: "BF16",
  Char: "I8",
  Byte: "U8",
  Short: "I16",
  Int: "I32",
  Long: "I64",
  Bool: "BOOL",
  Untyped: "U8",
};

/** Storages of numbers that are not read, and the bytes of each. */
const OTHER_STORAGES: Readonly<Record<string, number>> = {
  ComplexFloat: 8,
  ComplexDouble: 16,
  QInt8: 1,
  QUInt8: 1,
  QInt32: 4,
  QUInt4x2: 1,
  QUInt2x4: 1,
};

/** Tensors that do not lie in one storage. */
const OTHER_TENSORS: Readonly<Record<string, string>> = {
  _rebuild_sparse_tensor: "a sparse tensor",
  _rebuild_sparse_csr_tensor: "a sparse tensor",
  _rebuild_nested_tensor: "a nested tensor",
  _rebuild_qtensor: "a quantized tensor",
  _rebuild_meta_tensor_no_storage: "a meta tensor",
};

const DTYPES: Readonly<Record<string, FileDType>> = {
  float32: "F32",
  float64: "F64",
  float16: "F16",
  bfloat16: "BF16",
  int8: "I8",
  uint8: "U8",
  int16: "I16",
  uint16: "U16",
  int32: "I32",
  uint32: "U32",
  int64: "I64",
  uint64: "U64",
  bool: "BOOL",
};

/** A class of storages, which says what its numbers are. */
export class StorageType extends PickleGlobal {
  /**
   * @param dtype The format of each number, `null` where it is not read.
   * @param elementBytes The bytes of each.
   */
  constructor(name: string, readonly dtype: FileDType | null, readonly elementBytes: number) {
    super(name);
  }
}

class TorchDType extends PickleGlobal {
  constructor(name: string, readonly dtype: FileDType) {
    super(name);
  }
}

/** Memory that tensors share. */
export interface Storage {
  /** What its numbers are. */
  readonly type: StorageType;
  /** The numbers that it says it has. */
  readonly count: number;
  /** Its bytes. */
  bytes(): Uint8Array;
}

/** A tensor that does not yet hold its numbers: in old files they come after it. */
export class PickledTensor {
  /**
   * @param storage The memory.
   * @param dtype The format of each number.
   * @param place Where in the memory, in numbers.
   */
  constructor(
    readonly storage: Storage,
    readonly dtype: FileDType,
    readonly place: {
      readonly offset: number;
      readonly shape: readonly number[];
      readonly strides: readonly number[];
    },
  ) {}

  /** Its bytes. */
  get size(): number {
    return byteLength(this.dtype, this.place.shape);
  }

  /**
   * Its numbers in C order: a view of the storage where they lie so, a copy otherwise.
   *
   * @throws {RangeError} If the storage is too small.
   */
  tensor(): FileTensor {
    const { dtype, place } = this;
    const data = inCOrder(this.storage.bytes(), {
      ...place,
      elementBytes: byteLength(dtype, []),
    });
    return { dtype, shape: place.shape, data };
  }
}

const MOST_DIMENSIONS = 64;

function isStorage(value: unknown): value is Storage {
  return typeof value === "object" && value !== null && "type" in value && "bytes" in value;
}

function whole(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`must have whole numbers for a tensor, found ${wordValue(value)}`);
}

function wholes(value: unknown): number[] {
  const items = value instanceof Tuple ? value.items : undefined;
  if (items === undefined || items.length > MOST_DIMENSIONS) {
    throw new TypeError(`must have a tuple of sizes, found ${wordValue(value)}`);
  }
  return items.map(whole);
}

function rebuild(args: readonly unknown[]): PickledTensor | UnreadableTensor {
  const [storage, offset, shape, strides, , , dtype] = args;
  if (!isStorage(storage)) {
    throw new TypeError(`must make a tensor of a storage, found ${wordValue(storage)}`);
  }
  const place = { offset: whole(offset), shape: wholes(shape), strides: wholes(strides) };
  if (place.shape.length !== place.strides.length) {
    throw new TypeError(`must have a stride a size, found ${place.strides.length}`);
  }
  const format = dtype instanceof TorchDType
    ? dtype.dtype
    : dtype instanceof PickleGlobal
    ? null
    : storage.type.dtype;
  if (format !== null) return new PickledTensor(storage, format, place);
  return new UnreadableTensor(dtype instanceof PickleGlobal ? dtype.name : storage.type.name);
}

/** A tensor with attributes of its own, or of a subclass: `(function, class, arguments, attributes)`. */
function rebuildOfType([rebuilder, , args]: readonly unknown[]): unknown {
  if (!(rebuilder instanceof PickleGlobal) || !(args instanceof Tuple)) {
    throw new TypeError(`must make a tensor by a function, found ${wordValue(rebuilder)}`);
  }
  return rebuilder.name.startsWith("torch._utils._rebuild_")
    ? rebuilder.make?.(args.items)
    : new Placeholder(rebuilder.name);
}

/** The items that a list, set or deque is made of. */
function items([list]: readonly unknown[]): unknown[] {
  return Array.isArray(list) ? [...list] : list instanceof Tuple ? [...list.items] : [];
}

function orderedDict([pairs]: readonly unknown[]): Map<unknown, unknown> {
  const dict = new Map<unknown, unknown>();
  for (const pair of Array.isArray(pairs) ? pairs : []) {
    const [key, value] = pair instanceof Tuple ? pair.items : Array.isArray(pair) ? pair : [];
    dict.set(key, value);
  }
  return dict;
}

const named = (...globals: PickleGlobal[]): [string, PickleGlobal][] =>
  globals.map((global) => [global.name, global]);

/** What saved tensors and the plain data beside them ask for. */
export const TORCH_GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map([
  ...NUMPY_GLOBALS,
  ...named(
    new PickleGlobal("collections.OrderedDict", orderedDict),
    new PickleGlobal("collections.defaultdict", () => new Map()),
    new PickleGlobal(
      "collections.Counter",
      ([counts]) => new Map(counts instanceof Map ? counts : []),
    ),
    new PickleGlobal("collections.deque", items),
    ...["builtins", "__builtin__"].flatMap((module) => [
      new PickleGlobal(`${module}.set`, items),
      new PickleGlobal(`${module}.frozenset`, items),
    ]),
    new PickleGlobal("torch.Size", ([sizes]) => sizes),
    new PickleGlobal("torch.device", ([device]) => device),
    new PickleGlobal("torch._utils._rebuild_tensor", rebuild),
    new PickleGlobal("torch._utils._rebuild_tensor_v2", (args) => rebuild(args.slice(0, 6))),
    new PickleGlobal("torch._utils._rebuild_tensor_v3", rebuild),
    new PickleGlobal("torch._utils._rebuild_parameter", ([tensor]) => tensor),
    new PickleGlobal("torch._utils._rebuild_parameter_with_state", ([tensor]) => tensor),
    new PickleGlobal("torch._tensor._rebuild_from_type_v2", rebuildOfType),
    ...Object.entries(OTHER_TENSORS).map(([name, what]) =>
      new PickleGlobal(`torch._utils.${name}`, () => new UnreadableTensor(what))
    ),
    ...Object.entries(STORAGES).map(([name, dtype]) =>
      new StorageType(`torch.${name}Storage`, dtype, byteLength(dtype, []))
    ),
    ...Object.entries(OTHER_STORAGES).map(([name, bytes]) =>
      new StorageType(`torch.${name}Storage`, null, bytes)
    ),
    new StorageType("torch.storage.UntypedStorage", "U8", 1),
    ...Object.entries(DTYPES).map(([name, dtype]) => new TorchDType(`torch.${name}`, dtype)),
  ),
]);
