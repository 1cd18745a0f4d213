/**
 * Reads the arrays of a hickle file, or a share of them, in a worker of its own: the HDF5 library can loop on a damaged
 * file, and only a worker can be ended.
 *
 * @module
 */
import { byteLength, type FileTensor, isDType } from "./file_tensor.ts";
import { Hdf5File } from "./hdf5_file.ts";
import { loadHdf5, wordHdf5Error } from "./hdf5_library.ts";
import { type HickleEntry, listHickle } from "./hickle_tree.ts";

/** What the worker is asked. */
export interface HickleRequest {
  /** The file. */
  readonly path: string;
  /** How many workers share the file. */
  readonly workers: number;
  /** Which of them this one is. */
  readonly worker: number;
  /** The bytes that all arrays together may take. */
  readonly limit: number;
  /** The milliseconds that it may take after the library's start. */
  readonly time: number;
  /** The bytes that the library may use. */
  readonly memoryLimit: number;
}

/** What the worker answers: every array as it comes, and one message at the end. */
export type HickleReply =
  | { readonly kind: "alive" }
  | {
    readonly kind: "tensor";
    readonly at: number;
    readonly name: string;
    readonly tensor: FileTensor;
  }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly message: string };

interface Sized extends HickleEntry {
  readonly at: number;
  readonly dtype: FileTensor["dtype"];
  readonly shape: readonly number[];
  readonly bytes: number;
}

const FILTERS: Readonly<Record<number, string>> = { 4: "szip", 32000: "lzf", 32001: "blosc" };
const READABLE = new Set([1, 2, 3, 5, 6]);

function* sizesOf(file: Hdf5File, limit: number): Generator<Sized> {
  let at = 0;
  let total = 0;
  for (const { name, path } of listHickle(file)) {
    const { dtype, shape, filters } = file.describe(path);
    if (dtype === "string" || shape === null) continue;
    if (!isDType(dtype)) {
      throw new TypeError(`${path} must hold numbers, found ${dtype}`);
    }
    const unreadable = filters.find((filter) => !READABLE.has(filter));
    if (unreadable !== undefined) {
      throw new TypeError(
        `${path} must be plain or packed with gzip, found ${
          FILTERS[unreadable] ?? `filter ${unreadable}`
        }`,
      );
    }
    const bytes = byteLength(dtype, shape);
    total += bytes;
    if (!(total <= limit)) {
      throw new RangeError(
        `${path} is [${
          shape.join(", ")
        }] of ${dtype}, and with it the arrays take ${total} bytes; ` +
          `a file of this size may have ${limit}`,
      );
    }
    yield { name, path, dtype, shape, bytes, at: at++ };
  }
}

/** Deals the arrays out, the largest first, each to the worker with the least. */
function shareOf(all: readonly Sized[], { workers, worker }: HickleRequest): Sized[] {
  const loads = new Array<number>(workers).fill(0);
  return all.toSorted((a, b) => b.bytes - a.bytes).filter(({ bytes }) => {
    const least = loads.indexOf(Math.min(...loads));
    loads[least] = (loads[least] ?? 0) + bytes;
    return least === worker;
  });
}

async function answer(request: HickleRequest): Promise<void> {
  const library = await loadHdf5(request);
  const alive = () => send({ kind: "alive" });
  alive();
  using file = new Hdf5File(library, request.path, alive);
  for (const entry of shareOf([...sizesOf(file, request.limit)], request)) {
    const { at, name, path, dtype, shape, bytes } = entry;
    const data = read(file, path, bytes);
    send({ kind: "tensor", at, name, tensor: { dtype, shape, data } }, [data.buffer]);
  }
}

function read(file: Hdf5File, path: string, bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return file.read(path, bytes);
  } catch (cause) {
    throw new Error(`${path}: ${wordHdf5Error(cause)}`, { cause });
  }
}

function send(reply: HickleReply, transfer: Transferable[] = []): void {
  Reflect.get(globalThis, "postMessage").call(globalThis, reply, { transfer });
}

addEventListener("message", async (event) => {
  if (!(event instanceof MessageEvent)) return;
  try {
    await answer(event.data);
    send({ kind: "done" });
  } catch (error) {
    send({ kind: "failed", message: wordHdf5Error(error) });
  }
});
