import type { H5Module, Metadata } from "./hdf5_library.ts";
import type { FileDType } from "./file_tensor.ts";

/** What stands at a path of an HDF5 file. */
export type Hdf5Kind = "group" | "dataset" | "other";

/** A dataset's description. */
export interface Hdf5Dataset {
  /** Its element type, or what it is where no tensor can have it. */
  readonly dtype: FileDType | "string" | "reference" | `${string} of ${number} bytes`;
  /** Sizes; `null` where the dataset holds nothing. */
  readonly shape: readonly number[] | null;
  /** Numbers of the filters that its chunks go through. */
  readonly filters: readonly number[];
}

const FILE = "/weights.h5";
const PIECE = 2 ** 21;

/** An HDF5 file that the library reads piece by piece, without a copy of it in memory. */
export class Hdf5File implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #id: bigint;

  /**
   * Opens a file.
   *
   * @param library The HDF5 library.
   * @param path The file.
   * @param onProgress Is called after every step that the library takes.
   * @throws {Error} If the library does not take it.
   */
  constructor(
    readonly library: H5Module,
    path: string,
    readonly onProgress: () => void = () => {},
  ) {
    this.#file = Deno.openSync(path);
    serve(library, this.#file);
    this.#id = library.open(FILE, library.H5F_ACC_RDONLY, false, -1, -1);
    if (this.#id < 0n) throw new Error("it is not an HDF5 file");
  }

  /** Says what stands at a path, without following a link to another file. */
  kind(path: string): Hdf5Kind {
    const { library } = this;
    switch (library.get_type(this.#id, path)) {
      case library.H5G_GROUP:
        return "group";
      case library.H5G_DATASET:
        return "dataset";
      default:
        return "other";
    }
  }

  /** The names in a group. */
  children(path: string): string[] {
    return [...this.library.get_names(this.#id, path, false)];
  }

  /** A whole number that an attribute holds, `undefined` where there is none. */
  wholeAttribute(path: string, name: string): number | undefined {
    const { library } = this;
    if (!library.get_attribute_names(this.#id, path).includes(name)) return undefined;
    const { type, size, total_size, vlen } = library.get_attribute_metadata(this.#id, path, name);
    if (type !== library.H5T_class_t.H5T_INTEGER.value || vlen || size * total_size !== 8) {
      return undefined;
    }
    return this.#withMemory(8, (pointer) => {
      library.get_attribute_data(this.#id, path, name, BigInt(pointer));
      const { buffer } = library.HEAPU8.slice(pointer, pointer + 8);
      return Number(new DataView(buffer).getBigInt64(0, true));
    });
  }

  /** The first of the texts of fixed length that an attribute holds, `undefined` where there is none. */
  textAttribute(path: string, name: string): string | undefined {
    const { library } = this;
    if (!library.get_attribute_names(this.#id, path).includes(name)) return undefined;
    const { type, size, total_size, vlen } = library.get_attribute_metadata(this.#id, path, name);
    const bytes = size * total_size;
    if (type !== library.H5T_class_t.H5T_STRING.value || vlen || !(size > 0 && bytes <= 10_000)) {
      return undefined;
    }
    return this.#withMemory(bytes, (pointer) => {
      library.get_attribute_data(this.#id, path, name, BigInt(pointer));
      const text = new TextDecoder().decode(library.HEAPU8.slice(pointer, pointer + size));
      return text.replace(/\0.*$/s, "");
    });
  }

  /** Describes a dataset. */
  describe(path: string): Hdf5Dataset {
    const { library } = this;
    const metadata = library.get_dataset_metadata(this.#id, path);
    this.onProgress();
    return {
      dtype: dtypeOf(library, metadata),
      shape: metadata.shape,
      filters: library.get_dataset_filters(this.#id, path).map(({ id }) => id),
    };
  }

  /** Reads a dataset's elements, little endian, a few rows at a time, so that the library's memory stays small. */
  read(path: string, bytes: number): Uint8Array<ArrayBuffer> {
    const data = new Uint8Array(bytes);
    if (bytes === 0) return data;
    const { shape, chunks } = this.library.get_dataset_metadata(this.#id, path);
    const [rows = 1, ...rest] = shape ?? [];
    const rowBytes = bytes / rows;
    const aligned = chunks?.[0] ?? 1;
    const step = Math.max(1, Math.floor(PIECE / rowBytes / aligned)) * aligned;
    return this.#withMemory(Math.min(step, rows) * rowBytes, (pointer) => {
      for (let row = 0; row < rows; row += step) {
        const count = Math.min(step, rows - row);
        const part = shape === null || shape.length === 0 || count === rows
          ? null
          : { count: [count, ...rest], offset: [row, ...rest.map(() => 0)] };
        this.#readPart(path, pointer, part);
        const end = pointer + count * rowBytes;
        data.set(this.library.HEAPU8.subarray(pointer, end), row * rowBytes);
        this.onProgress();
      }
      return data;
    });
  }

  /** The path of the object that a dataset with one reference points to. */
  target(path: string): string {
    const { size } = this.library.get_dataset_metadata(this.#id, path);
    return this.library.get_referenced_name(this.#id, this.read(path, size), true);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  #readPart(
    path: string,
    pointer: number,
    part: { count: number[]; offset: number[] } | null,
  ): void {
    const status = this.library.get_dataset_data(
      this.#id,
      path,
      part?.count.map(BigInt) ?? null,
      part?.offset.map(BigInt) ?? null,
      part?.count.map(() => 1n) ?? null,
      BigInt(pointer),
    );
    if (status < 0) throw new Error("its data cannot be read");
  }

  #withMemory<T>(bytes: number, body: (pointer: number) => T): T {
    const pointer = this.library._malloc(bytes);
    if (pointer === 0) throw new RangeError(`it wants ${bytes} bytes more than the limit`);
    try {
      return body(pointer);
    } finally {
      this.library._free(pointer);
    }
  }
}

/** Puts a file into the library's file system whose bytes are read from disk when they are asked for. */
function serve({ FS }: H5Module, file: Deno.FsFile): void {
  FS.writeFile(FILE, new Uint8Array());
  const node = FS.analyzePath(FILE).object;
  const operations: unknown = Reflect.get(node, "stream_ops");
  const read = (
    _stream: unknown,
    memory: ArrayBufferView,
    offset: number,
    length: number,
    position: number,
  ): number => {
    const target = new Uint8Array(memory.buffer, memory.byteOffset + offset, length);
    file.seekSync(position, Deno.SeekMode.Start);
    let count = 0;
    while (count < length) {
      const got = file.readSync(target.subarray(count));
      if (got === null) break;
      count += got;
    }
    return count;
  };
  Object.assign(node, {
    usedBytes: file.statSync().size,
    stream_ops: Object.assign({}, operations, { read }),
  });
}

function dtypeOf(library: H5Module, metadata: Metadata): Hdf5Dataset["dtype"] {
  const { type, size, signed, vlen, enum_type } = metadata;
  const classes = library.H5T_class_t;
  const bits = size * 8;
  if (type === classes.H5T_FLOAT.value && !vlen) {
    if (bits === 16 || bits === 32 || bits === 64) return `F${bits}`;
  }
  if (type === classes.H5T_INTEGER.value && !vlen) {
    if (bits === 8 || bits === 16 || bits === 32 || bits === 64) {
      return `${signed ? "I" : "U"}${bits}`;
    }
  }
  if (type === classes.H5T_ENUM.value && size === 1) {
    const members = Object.keys(enum_type?.members ?? {});
    if (members.sort().join() === "FALSE,TRUE") return "BOOL";
  }
  if (type === classes.H5T_STRING.value) return "string";
  if (type === classes.H5T_REFERENCE.value && metadata.ref_type === "object") return "reference";
  if (type === classes.H5T_COMPOUND.value) {
    const members = metadata.compound_type?.members ?? [];
    const isComplex = members.map(({ name }) => name).join() === "r,i";
    return `${isComplex ? "complex numbers" : "records"} of ${size} bytes`;
  }
  // the library's table of classes has entries that are none
  const name = Object.entries(classes).find(([, entry]) => entry?.value === type)?.[0] ?? "data";
  return `${name.replace("H5T_", "").toLowerCase()} of ${size} bytes`;
}
