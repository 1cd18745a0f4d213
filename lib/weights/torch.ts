import { unpickle } from "./pickle.ts";
import { type PickleHost, textOf, Tuple, wordValue } from "./pickle_values.ts";
import { type Storage, StorageType, TORCH_GLOBALS } from "./torch_globals.ts";
import type { ZipEntry } from "./zip.ts";

/** What the first pickle of a file in the format before PyTorch 1.6 holds. */
export const TORCH_MAGIC = 0x1950a86a20f9469cfc6cn;

/** The name of the pickle in a zip of PyTorch, without the folder before it. */
export const TORCH_PICKLE = "data.pkl";

interface StorageId {
  readonly type: StorageType;
  readonly key: string;
  readonly count: number;
  readonly view: unknown;
}

/** Reads `("storage", type, key, location, count, view)`. */
function storageId(id: unknown): StorageId {
  const [kind, type, key, , count, view = null] = id instanceof Tuple ? id.items : [];
  const name = textOf(key);
  const isWhole = typeof count === "number" && Number.isSafeInteger(count) && count >= 0;
  if (
    textOf(kind) !== "storage" || !(type instanceof StorageType) || name === undefined || !isWhole
  ) {
    throw new TypeError(`must refer to a storage, found ${wordValue(id)}`);
  }
  return { type, key: name, count, view };
}

/** The class of `("module", class, file, source)`, which the old format has for every class of a pickled network. */
function moduleClassOf(id: unknown): unknown {
  const [kind, moduleClass] = id instanceof Tuple ? id.items : [];
  return textOf(kind) === "module" ? moduleClass : undefined;
}

/**
 * Reads what `torch.save` wrote, in the zip format of PyTorch 1.6 and later.
 *
 * @param entries The archive's files.
 * @param name The pickle among them.
 * @returns The saved value; its tensors are of {@link PickledTensor}.
 * @throws {Error} If it is damaged.
 */
export function parseTorchZip(entries: ReadonlyMap<string, ZipEntry>, name: string): unknown {
  const folder = name.slice(0, -TORCH_PICKLE.length);
  const order = entries.get(`${folder}byteorder`)?.read();
  if (order !== undefined && textOf(order)?.trim() !== "little") {
    throw new TypeError(`the byte order must be little, found ${textOf(order)}`);
  }
  const storages = new Map<string, Storage>();
  const persistent = (id: unknown): Storage => {
    const { type, key, count } = storageId(id);
    const known = storages.get(key);
    if (known !== undefined && known.type === type) return known;
    const path = `${folder}data/${key}`;
    const entry = entries.get(path);
    const size = count * type.elementBytes;
    if (entry === undefined || entry.size < size) {
      throw new RangeError(
        `must have ${size} bytes in ${path}, found ${entry === undefined ? "none" : entry.size}`,
      );
    }
    let bytes: Uint8Array | undefined;
    const storage = { type, count, bytes: () => bytes ??= entry.read().subarray(0, size) };
    storages.set(key, storage);
    return storage;
  };
  const pickle = entries.get(name)?.read() ?? new Uint8Array();
  return unpickle(pickle, { host: { globals: TORCH_GLOBALS, persistent } }).value;
}

/**
 * Reads what `torch.save` wrote before PyTorch 1.6: four pickles, the names of the storages, the storages.
 *
 * @param bytes The whole file.
 * @returns The saved value; its tensors are of {@link PickledTensor}.
 * @throws {Error} If it is damaged.
 */
export function parseTorchLegacy(bytes: Uint8Array): unknown {
  const wanted = new Map<string, LegacyStorage>();
  const persistent = (id: unknown): unknown => {
    const moduleClass = moduleClassOf(id);
    if (moduleClass !== undefined) return moduleClass;
    const { type, key, count, view } = storageId(id);
    const root = wanted.get(key) ?? new LegacyStorage(type, count);
    if (root.type !== type) {
      throw new TypeError(`must have one type for storage ${key}, found two`);
    }
    wanted.set(key, root);
    return view === null ? root : viewOf(root, view);
  };
  const plain: PickleHost = { globals: TORCH_GLOBALS };
  const magic = unpickle(bytes, { host: plain });
  const protocol = unpickle(bytes, { start: magic.end, host: plain });
  if (protocol.value !== 1001) {
    throw new TypeError(`the protocol must be 1001, found ${wordValue(protocol.value)}`);
  }
  const system = unpickle(bytes, { start: protocol.end, host: plain });
  if (system.value instanceof Map && system.value.get("little_endian") === false) {
    throw new TypeError("the byte order must be little, found big");
  }
  const saved = unpickle(bytes, {
    start: system.end,
    host: { globals: TORCH_GLOBALS, persistent },
  });
  const keys = unpickle(bytes, { start: saved.end, host: plain });
  let at = keys.end;
  for (const key of Array.isArray(keys.value) ? keys.value : []) {
    const storage = wanted.get(textOf(key) ?? "");
    if (storage === undefined) {
      throw new TypeError(`storage ${wordValue(key)} is used by no tensor`);
    }
    at = storage.fill(bytes, at);
  }
  return saved.value;
}

/** A storage whose numbers come later in the file, after their count. */
class LegacyStorage implements Storage {
  #bytes: Uint8Array | undefined;

  constructor(readonly type: StorageType, readonly count: number) {}

  /** Takes the numbers, and returns the byte after them. */
  fill(file: Uint8Array, at: number): number {
    const view = new DataView(file.buffer, file.byteOffset, file.length);
    const found = at + 8 <= file.length ? view.getBigInt64(at, true) : -1n;
    const end = at + 8 + this.count * this.type.elementBytes;
    if (found !== BigInt(this.count) || end > file.length) {
      throw new RangeError(
        `the storage at byte ${at} must have ${this.count} numbers, found ${
          end > file.length ? "the end of the file" : found
        }`,
      );
    }
    this.#bytes = file.subarray(at + 8, end);
    return end;
  }

  bytes(): Uint8Array {
    if (this.#bytes === undefined) throw new RangeError("its storage must follow, found none");
    return this.#bytes;
  }
}

/** Reads `(key, offset, count)`: a part of a storage, as PyTorch before 0.4 had them. */
function viewOf(root: LegacyStorage, view: unknown): Storage {
  const [, offset, count] = view instanceof Tuple ? view.items : [];
  const isWithin = typeof offset === "number" && typeof count === "number" && offset >= 0 &&
    count >= 0 && offset + count <= root.count;
  if (!isWithin) throw new RangeError("must have a view within its storage, found another");
  const { type, type: { elementBytes } } = root;
  const [start, end] = [offset * elementBytes, (offset + count) * elementBytes];
  return { type, count, bytes: () => root.bytes().subarray(start, end) };
}
