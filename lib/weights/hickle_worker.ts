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
  /** Beside the arrays stand the names of what is none. */
  | { readonly kind: "done"; readonly left: readonly string[] }
  | { readonly kind: "failed"; readonly message: string };

interface Sized extends HickleEntry {
  readonly at: number;
  readonly dtype: FileTensor["dtype"];
  readonly shape: readonly number[];
  readonly bytes: number;
}

const FILTERS: Readonly<Record<number, string>> = { 4: "szip", 32000: "lzf", 32001: "blosc" };
const READABLE = new Set([1, 2, 3, 5, 6]);
const MOST_PICKLED = 2 ** 24;
/** The last instruction of a pickle. */
const STOP = ".".charCodeAt(0);

function sizesOf(file: Hdf5File, limit: number): { arrays: Sized[]; left: string[] } {
  const arrays: Sized[] = [];
  const left: string[] = [];
  let total = 0;
  for (const { name, path } of listHickle(file)) {
    const { dtype, shape, filters } = file.describe(path);
    if (dtype === "string" || shape === null) {
      left.push(name);
      continue;
    }
    if (!isDType(dtype)) {
      throw new TypeError(`${path} must hold real or whole numbers, found ${dtype}`);
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
    if (standsForObject(file, { path, dtype, shape, bytes })) left.push(name);
    else arrays.push({ name, path, dtype, shape, bytes, at: arrays.length });
  }
  return { arrays, left };
}

/** Whether an array is the pickle of an object, or what versions 1 to 3 write for None. */
function standsForObject(
  file: Hdf5File,
  { path, dtype, shape, bytes }: Pick<Sized, "path" | "dtype" | "shape" | "bytes">,
): boolean {
  if (shape.length !== 1) return false;
  if (shape[0] === 1 && file.textAttribute(path, "type") === "none") return true;
  if (dtype !== "U8" || bytes < 3 || bytes > MOST_PICKLED) return false;
  const pickle = file.read(path, bytes);
  const [head = 0, protocol = 0] = pickle;
  return head === 0x80 && protocol >= 2 && protocol <= 5 && pickle.at(-1) === STOP;
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

/** Reads this worker's share, and returns the names of what is no array. */
async function answer(request: HickleRequest): Promise<string[]> {
  const library = await loadHdf5(request);
  const alive = () => send({ kind: "alive" });
  alive();
  using file = new Hdf5File(library, request.path, alive);
  const { arrays, left } = sizesOf(file, request.limit);
  for (const entry of shareOf(arrays, request)) {
    const { at, name, path, dtype, shape, bytes } = entry;
    const data = read(file, path, bytes);
    send({ kind: "tensor", at, name, tensor: { dtype, shape, data } }, [data.buffer]);
  }
  return left;
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
    const left = await answer(event.data);
    send({ kind: "done", left });
  } catch (error) {
    send({ kind: "failed", message: wordHdf5Error(error) });
  }
});
