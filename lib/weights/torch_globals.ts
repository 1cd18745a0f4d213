import { byteLength, type FileDType, type FileTensor } from "./file_tensor.ts";
import { NUMPY_GLOBALS } from "./numpy_pickle.ts";
import { PickleGlobal, Tuple, wordValue } from "./pickle_values.ts";
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
  /** @param dtype The format of each number. */
  constructor(name: string, readonly dtype: FileDType) {
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
  /** The format of each number. */
  readonly dtype: FileDType;
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
  return typeof value === "object" && value !== null && "dtype" in value && "bytes" in value;
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

function rebuild(args: readonly unknown[]): PickledTensor {
  const [storage, offset, shape, strides, , , dtype] = args;
  if (!isStorage(storage)) {
    throw new TypeError(`must make a tensor of a storage, found ${wordValue(storage)}`);
  }
  const place = { offset: whole(offset), shape: wholes(shape), strides: wholes(strides) };
  if (place.shape.length !== place.strides.length) {
    throw new TypeError(`must have a stride a size, found ${place.strides.length}`);
  }
  const format = dtype instanceof TorchDType ? dtype.dtype : storage.dtype;
  return new PickledTensor(storage, format, place);
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

/** What saved tensors ask for; every other name is refused. */
export const TORCH_GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map([
  ...NUMPY_GLOBALS,
  ...named(
    new PickleGlobal("collections.OrderedDict", orderedDict),
    new PickleGlobal("torch.Size", ([sizes]) => sizes),
    new PickleGlobal("torch.device", ([device]) => device),
    new PickleGlobal("torch._utils._rebuild_tensor", rebuild),
    new PickleGlobal("torch._utils._rebuild_tensor_v2", (args) => rebuild(args.slice(0, 6))),
    new PickleGlobal("torch._utils._rebuild_tensor_v3", rebuild),
    new PickleGlobal("torch._utils._rebuild_parameter", ([tensor]) => tensor),
    ...Object.entries(STORAGES).map(([name, dtype]) =>
      new StorageType(`torch.${name}Storage`, dtype)
    ),
    new StorageType("torch.storage.UntypedStorage", "U8"),
    ...Object.entries(DTYPES).map(([name, dtype]) => new TorchDType(`torch.${name}`, dtype)),
  ),
]);
