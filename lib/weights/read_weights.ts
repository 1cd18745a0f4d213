import type { Arrays, FileTensor } from "./file_tensor.ts";
import { readHickle } from "./hickle.ts";
import { decodedLimit } from "./limits.ts";
import { messageOf } from "./message_of.ts";
import { leftOut } from "./notes.ts";
import { NPY_MAGIC, parseNpy } from "./npy.ts";
import { parseNpz } from "./npz.ts";
import { unpickle } from "./pickle.ts";
import { parseSafetensors, readBytes } from "./safetensors.ts";
import { savedTensors, startingWith } from "./saved_tensors.ts";
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
  /** Which part of the file was taken and what was left out, a line each. */
  readonly notes: readonly string[];
}

/** Options of {@linkcode readWeights}. */
export interface ReadOptions {
  /**
   * The part of the file to take: an entry of a saved dict, such as `model_ema`, or the first part of the tensors'
   * names, such as `teacher`. Default: the network, as {@linkcode readWeights} finds it.
   */
  readonly take?: string | undefined;
}

const HDF5_MAGIC = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const ZIP_MAGIC = [0x50, 0x4b];
const HEAD_BYTES = 8192;

/**
 * Reads a file of weights, whatever its name: safetensors, hickle, PyTorch's (both formats), NumPy's npz and npy, or a
 * pickled dict of arrays. Nothing in a file is ever run. Of a PyTorch checkpoint the network is taken: its
 * `state_dict`, `model_state_dict`, `model`, `net` or `params`, the first that is there, or a moving average (`ema`)
 * without these; of a student with its teacher the student.
 *
 * @param path The file.
 * @returns The tensors under the names that they have in it.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {Error} If the file is damaged, of another format, without tensors, or a pickled network with its code; the
 * message names the file and the place.
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
export async function readWeights(
  path: string,
  { take }: ReadOptions = {},
): Promise<WeightsFile> {
  const file = await readFile(path, take);
  if (file.tensors.size > 0) return file;
  const place = take === undefined ? "" : ` whose names begin with ${take}.`;
  throw new TypeError(`Cannot read ${path}: wanted tensors${place}, found none`);
}

async function readFile(path: string, take: string | undefined): Promise<WeightsFile> {
  if (isHdf5(await readHead(path))) return arrays("hickle", await readHickle(path), take);
  const bytes = await readBytes(path);
  if (looksLikeSafetensors(bytes)) {
    const { tensors, metadata } = parseSafetensors(bytes, path);
    return { ...arrays("safetensors", { tensors, left: [] }, take), metadata };
  }
  try {
    const parsed = parseOthers(bytes, take);
    if (parsed !== undefined) return parsed;
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
  throw new TypeError(
    `Cannot read ${path}: wanted safetensors, hickle, PyTorch's, npz or npy, found ${word(bytes)}`,
  );
}

function parseOthers(bytes: Uint8Array, take: string | undefined): WeightsFile | undefined {
  const limit = decodedLimit(bytes.length);
  const saved = (format: WeightsFormat, value: unknown): WeightsFile => ({
    format,
    ...savedTensors(value, { limit, take }),
  });
  if (startsWith(bytes, ZIP_MAGIC)) {
    const entries = readZip(bytes, { limit });
    const pickle = [...entries.keys()].find((name) => `/${name}`.endsWith(`/${TORCH_PICKLE}`));
    return pickle === undefined
      ? arrays("npz", parseNpz(entries), take)
      : saved("PyTorch", parseTorchZip(entries, pickle));
  }
  if (startsWith(bytes, NPY_MAGIC)) {
    return arrays("npy", { tensors: new Map([["arr_0", parseNpy(bytes)]]), left: [] }, take);
  }
  if (bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5) {
    const { value } = unpickle(bytes, { host: { globals: TORCH_GLOBALS } });
    return value === TORCH_MAGIC
      ? saved("PyTorch", parseTorchLegacy(bytes))
      : saved("pickle", value);
  }
  return undefined;
}

/** A file whose format has no entries beside its tensors; a part of it is what shares the beginning of the names. */
function arrays(
  format: WeightsFormat,
  { tensors, left }: Arrays,
  take: string | undefined,
): WeightsFile {
  const taken = take === undefined ? tensors : startingWith(tensors, `${take}.`);
  return { format, tensors: taken, metadata: {}, notes: leftOut(left) };
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
