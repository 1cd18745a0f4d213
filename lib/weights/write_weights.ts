import { extname } from "node:path";
import type { FileTensor } from "./file_tensor.ts";
import { formatNpz } from "./npz.ts";
import { formatSafetensors } from "./safetensors.ts";
import { writeFileAtomic } from "./write_file.ts";

/** The endings of the names of files that weights are written to. */
export const WRITTEN_ENDINGS: readonly string[] = [".safetensors", ".npz", ".hkl"];

/**
 * Writes weights in the format that the name's ending asks for: `.safetensors`, `.npz` or `.hkl` (hickle 5).
 *
 * @param path The file; one that is there is replaced.
 * @param tensors Tensors by name, in the order that they are written in.
 * @param options.metadata Free text by key, which only safetensors can hold.
 * @throws {RangeError} If the ending is another.
 * @throws {TypeError} If the format cannot hold a tensor's numbers or name.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * await assert.rejects(writeWeights("model.pth", new Map()), /the name must end in .safetensors/);
 * ```
 */
export async function writeWeights(
  path: string,
  tensors: ReadonlyMap<string, FileTensor>,
  { metadata = {} }: { metadata?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  switch (extname(path)) {
    case ".safetensors":
      return await writeFileAtomic(path, formatSafetensors(tensors, metadata));
    case ".npz":
      return await writeFileAtomic(path, formatNpz(tensors));
    case ".hkl": {
      // Loaded late: the HDF5 library has four megabytes, and hardly any program writes with it.
      const { formatHickle } = await import("./hickle_write.ts");
      return await writeFileAtomic(path, await formatHickle(tensors));
    }
    default:
      throw new RangeError(
        `Cannot write ${path}: the name must end in ${WRITTEN_ENDINGS.join(", ")}`,
      );
  }
}
