import type { FileTensor } from "./file_tensor.ts";
import { readHickle } from "./hickle.ts";
import { decodedLimit } from "./limits.ts";
import { messageOf } from "./message_of.ts";
import { NPY_MAGIC, parseNpy } from "./npy.ts";
import { parseNpz } from "./npz.ts";
import { unpickle } from "./pickle.ts";
import { parseSafetensors, readBytes } from "./safetensors.ts";
import { type SavedTensors, savedTensors } from "./saved_tensors.ts";
import { parseTorchLegacy, parseTorchZip, TORCH_MAGIC, TORCH_PICKLE } from "./torch.ts";
import { TORCH_GLOBALS } from "./torch_globals.ts";
import { readZip } from "./zip.ts";

/** A format that weights are read from. */
export type WeightsFormat = "safetensors" | "hickle" | "PyTorch" | "pickle" | "npz" | "npy";

/** What a file of weights holds. */
export interface WeightsFile {
  /** The format of the file. */
  readonly format: WeightsFormat;
  /** Tensors by name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, FileTensor>;
  /** Free text by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

const HDF5_MAGIC = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const ZIP_MAGIC = [0x50, 0x4b];
const HEAD_BYTES = 8192;

/**
 * Reads a file of weights, whatever its name: safetensors, hickle, PyTorch's (both formats), NumPy's npz and npy, or a
 * pickled dict of arrays. Nothing in a file is ever run.
 *
 * @param path The file.
 * @returns The tensors; of a PyTorch checkpoint the network's, and of a student with its teacher the student's.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {Error} If the file is damaged, of another format, or asks for code; the message names the file and the
 * place.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "<!DOCTYPE html><title>404</title>");
 * await assert.rejects(readWeights(path), /found a file that begins with <!DOCTYPE html>/);
 * await Deno.remove(path);
 * ```
 */
export async function readWeights(path: string): Promise<WeightsFile> {
  if (isHdf5(await readHead(path))) {
    return { format: "hickle", tensors: await readHickle(path), metadata: {} };
  }
  const bytes = await readBytes(path);
  if (looksLikeSafetensors(bytes)) {
    return { format: "safetensors", ...parseSafetensors(bytes, path) };
  }
  try {
    const parsed = parseOthers(bytes);
    if (parsed !== undefined) return parsed;
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
  throw new TypeError(
    `Cannot read ${path}: wanted safetensors, hickle, PyTorch's, npz or npy, found ${word(bytes)}`,
  );
}

function parseOthers(bytes: Uint8Array): WeightsFile | undefined {
  const limit = decodedLimit(bytes.length);
  const saved = (format: WeightsFormat, value: unknown): WeightsFile & SavedTensors => ({
    format,
    ...savedTensors(value, { limit }),
  });
  if (startsWith(bytes, TORCH_MAGIC)) return saved("PyTorch", parseTorchLegacy(bytes));
  if (startsWith(bytes, ZIP_MAGIC)) {
    const entries = readZip(bytes, { limit });
    const pickle = [...entries.keys()].find((name) => `/${name}`.endsWith(`/${TORCH_PICKLE}`));
    return pickle === undefined
      ? { format: "npz", tensors: parseNpz(entries), metadata: {} }
      : saved("PyTorch", parseTorchZip(entries, pickle));
  }
  if (startsWith(bytes, NPY_MAGIC)) {
    return { format: "npy", tensors: new Map([["arr_0", parseNpy(bytes)]]), metadata: {} };
  }
  if (bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5) {
    return saved("pickle", unpickle(bytes, { host: { globals: TORCH_GLOBALS } }).value);
  }
  return undefined;
}

async function readHead(path: string): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path);
    const head = new Uint8Array(HEAD_BYTES);
    return head.subarray(0, await file.read(head) ?? 0);
  } catch {
    // reading the whole file says what is wrong
    return new Uint8Array();
  }
}

/** HDF5 allows other bytes before its own, 512, 1024, 2048... of them. */
function isHdf5(head: Uint8Array): boolean {
  return [0, 512, 1024, 2048, 4096].some((at) => startsWith(head.subarray(at), HDF5_MAGIC));
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => bytes[at] === byte);
}

/** A length below four gigabytes, then a JSON object; the length alone could look like a pickle. */
function looksLikeSafetensors(bytes: Uint8Array): boolean {
  return bytes[8] === "{".charCodeAt(0) && bytes.subarray(4, 8).every((byte) => byte === 0);
}

function word(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  const head = bytes.subarray(0, 16);
  const isText = head.every((byte) => byte >= 32 && byte < 127);
  const shown = isText
    ? new TextDecoder().decode(head)
    : Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `a file that begins with ${shown}`;
}
