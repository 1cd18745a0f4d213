import type { FileTensor } from "./file_tensor.ts";
import { type Group, h5wasm, type Reference } from "./hdf5_library.ts";
import { wordNumpyDType } from "./numpy_dtype.ts";

const FILE = "/written.h5";
/** The version whose layout is written. */
const VERSION = "5.0.2";

type Numbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

function numbersOf(name: string, { dtype, data }: FileTensor): Numbers {
  const { buffer } = new Uint8Array(data);
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer);
    case "F64":
      return new Float64Array(buffer);
    case "I8":
      return new Int8Array(buffer);
    case "U8":
      return new Uint8Array(buffer);
    case "I16":
      return new Int16Array(buffer);
    case "U16":
      return new Uint16Array(buffer);
    case "I32":
      return new Int32Array(buffer);
    case "U32":
      return new Uint32Array(buffer);
    case "I64":
      return new BigInt64Array(buffer);
    case "U64":
      return new BigUint64Array(buffer);
    default:
      throw new TypeError(
        `Cannot write ${name}: dtype must be one that this HDF5 library writes, found ${dtype}; safetensors holds it`,
      );
  }
}

/** Adds a Python type to the table that hickle keeps of them, and returns a reference to it. */
function addType(
  table: Group,
  { at, base, pickle }: { at: number; base: string; pickle: string },
): Reference {
  const data = [...pickle];
  const entry = table.create_dataset({
    name: String(at),
    data,
    shape: [1, data.length],
    dtype: "S1",
  });
  const name = table.create_dataset({ name: base, data: [" "], shape: [1], dtype: "S1" });
  entry.create_attribute("base_type", [name.create_reference()], [], "Reference");
  return entry.create_reference();
}

/**
 * Writes arrays as a dict in the layout of hickle 5, which Python's hickle loads.
 *
 * @param tensors Arrays by name.
 * @returns The whole file.
 * @throws {TypeError} If a name has a slash, or HDF5 cannot hold the format of an array.
 */
export async function formatHickle(
  tensors: ReadonlyMap<string, FileTensor>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { FS } = await h5wasm.ready;
  const ready = Array.from(tensors, ([name, tensor]) => {
    if (/[/\\]/.test(name)) {
      throw new TypeError(
        `Cannot write ${name}: a name in a hickle file must have no slash, found one`,
      );
    }
    return { name, tensor, data: numbersOf(name, tensor) };
  });
  const file = new h5wasm.File(FILE, "w");
  try {
    file.create_attribute("HICKLE_VERSION", VERSION);
    file.create_attribute("HICKLE_PYTHON_VERSION", "3");
    const table = file.create_group("hickle_types_table");
    const dict = addType(table, { at: 0, base: "dict", pickle: "cbuiltins\ndict\n." });
    const array = addType(table, { at: 2, base: "ndarray", pickle: "cnumpy\nndarray\n." });
    const root = file.create_group("data");
    root.create_attribute("type", [dict], [], "Reference");
    for (const [at, { name, tensor: { dtype, shape }, data }] of ready.entries()) {
      const dataset = root.create_dataset({ name: `"${name}"`, data, shape: [...shape] });
      dataset.create_attribute("type", [array], [], "Reference");
      dataset.create_attribute("np_dtype", wordNumpyDType(dtype));
      dataset.create_attribute("key_idx", new BigInt64Array([BigInt(at)]), []);
      dataset.create_attribute("key_base_type", "str");
    }
  } finally {
    file.close();
  }
  const bytes = new Uint8Array(FS.readFile(FILE));
  FS.unlink(FILE);
  return bytes;
}
