import type { Arrays, FileTensor } from "./file_tensor.ts";
import { messageOf } from "./message_of.ts";
import { formatNpy, isOtherNpy, parseNpy } from "./npy.ts";
import { formatZip, type ZipEntry } from "./zip.ts";

/**
 * Reads the arrays of an npz archive.
 *
 * @param entries The archive's files.
 * @throws {Error} If a file is not an array, or one of numbers that a tensor cannot have; the message names it.
 */
export function parseNpz(entries: ReadonlyMap<string, ZipEntry>): Arrays {
  const tensors = new Map<string, FileTensor>();
  const left: string[] = [];
  for (const [name, entry] of entries) {
    if (!name.endsWith(".npy")) {
      throw new TypeError(`files must be arrays named *.npy, found ${name}`);
    }
    const bytes = entry.read();
    const key = name.slice(0, -".npy".length);
    try {
      if (isOtherNpy(bytes)) left.push(key);
      else tensors.set(key, parseNpy(bytes));
    } catch (cause) {
      throw new TypeError(`${name}: ${messageOf(cause)}`, { cause });
    }
  }
  return { tensors, left };
}

/**
 * Writes arrays as an npz archive, stored, as `numpy.savez` does.
 *
 * @param tensors Arrays by name.
 * @throws {TypeError} If NumPy does not have the format of one.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readZip } from "./zip.ts";
 *
 * const bias = { dtype: "U8", shape: [3], data: new Uint8Array([1, 2, 3]) } as const;
 * const archive = formatNpz(new Map([["fc.bias", bias]]));
 * assert.deepEqual(parseNpz(readZip(archive, { limit: 1000 })).tensors.get("fc.bias"), bias);
 * ```
 */
export function formatNpz(tensors: ReadonlyMap<string, FileTensor>): Uint8Array<ArrayBuffer> {
  return formatZip(Array.from(tensors, ([name, tensor]) => [`${name}.npy`, npyOf(name, tensor)]));
}

function npyOf(name: string, tensor: FileTensor): Uint8Array {
  try {
    return formatNpy(tensor);
  } catch (cause) {
    throw new TypeError(`Cannot write ${name}: ${messageOf(cause)}`, { cause });
  }
}
