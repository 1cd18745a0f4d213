import h5wasm, { type Group, type Metadata, type Reference } from "npm:h5wasm@0.10.3";
import { messageOf } from "./message_of.ts";

/** The HDF5 library, compiled to WebAssembly. */
export type H5Module = Awaited<typeof h5wasm.ready>;
export { type Group, h5wasm, type Metadata, type Reference };

/**
 * Waits for the HDF5 library and makes its errors exceptions.
 *
 * @param options.memoryLimit The bytes that it may use; asking for more is an error of the library's.
 */
export async function loadHdf5({ memoryLimit }: { memoryLimit: number }): Promise<H5Module> {
  const library = await h5wasm.ready;
  limitMemory(memoryLimit);
  library.activate_throwing_error_handler();
  return library;
}

/** The library asks for memory through this function and has no limit of its own below 2 GiB. */
function limitMemory(bytes: number): void {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (pages: number): number {
    if (this.buffer.byteLength + pages * 65_536 > bytes) {
      throw new RangeError(`its memory is limited to ${bytes} bytes`);
    }
    return grow.call(this, pages);
  };
}

/**
 * Shortens what the library says of an error, a page of its own call stack, to its innermost sentence.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const error = new Error("HDF5-DIAG:\n  #000: a.c line 1 in f(): cannot open\n  #001: b.c line 2 in g(): bad heap\n");
 * assert.equal(wordHdf5Error(error), "bad heap");
 * ```
 */
export function wordHdf5Error(error: unknown): string {
  const text = messageOf(error);
  const causes = [...text.matchAll(/^\s*#\d+: .*?\(\): (.*)$/gm)];
  return (causes.at(-1)?.[1] ?? text.split("\n")[0] ?? "").trim();
}
