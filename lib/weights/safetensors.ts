import { byteLength, type FileTensor } from "./file_tensor.ts";
import { messageOf } from "./message_of.ts";
import { LENGTH_BYTES, METADATA, readHeader } from "./safetensors_header.ts";

export { type FileDType, type FileTensor, floats } from "./file_tensor.ts";

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** Tensors by name, in the order of their data. */
  readonly tensors: ReadonlyMap<string, FileTensor>;
  /** Free text by key, empty if the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a file of the {@link https://github.com/huggingface/safetensors | safetensors} format: the length of the
 * header as a 64-bit number, the header in JSON, the bytes of the tensors without gaps.
 *
 * @param bytes The whole file; the tensors are views of it.
 * @param name What errors call the file.
 * @returns The tensors and the metadata.
 * @throws {SyntaxError} If the header is not JSON.
 * @throws {TypeError} If the header does not describe tensors.
 * @throws {RangeError} If a length, an offset or a repeated name contradicts the rest.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const scale = { dtype: "F32", shape: [1], data: new Uint8Array([0, 0, 128, 63]) } as const;
 * const file = parseSafetensors(formatSafetensors(new Map([["bn.weight", scale]])));
 * assert.deepEqual(file.tensors.get("bn.weight")?.shape, [1]);
 * ```
 */
export function parseSafetensors(bytes: Uint8Array, name = "safetensors"): SafetensorsFile {
  const { entries, metadata, dataStart } = readHeader(bytes, `Cannot read ${name}`);
  const tensors = new Map<string, FileTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, { dtype, shape, data: bytes.subarray(dataStart + begin, dataStart + end) });
  }
  return { tensors, metadata };
}

/**
 * Writes tensors in the safetensors format. The same tensors in the same order give the same bytes.
 *
 * @param tensors Tensors by name; the file keeps the order of the map.
 * @param metadata Free text by key.
 * @returns The whole file.
 * @throws {TypeError} If the data of a tensor does not have the size that its shape asks for, or its name is reserved.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const bias = { dtype: "U8", shape: [3], data: new Uint8Array([1, 2, 3]) } as const;
 * const bytes = formatSafetensors(new Map([["fc.bias", bias]]), { format: "pt" });
 * assert.deepEqual(parseSafetensors(bytes).metadata, { format: "pt" });
 * ```
 */
export function formatSafetensors(
  tensors: ReadonlyMap<string, FileTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const fields: string[] = [];
  if (Object.keys(metadata).length > 0) fields.push(`"${METADATA}":${JSON.stringify(metadata)}`);
  let begin = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    checkTensor(name, { dtype, shape, data });
    const end = begin + data.length;
    fields.push(
      `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`,
    );
    begin = end;
  }
  return join(`{${fields.join(",")}}`, [...tensors.values()].map(({ data }) => data));
}

/**
 * Reads a safetensors file from disk.
 *
 * @param path Where the file is; errors name it.
 * @returns The tensors and the metadata.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError | TypeError | RangeError} If the file is malformed, as for {@linkcode parseSafetensors}.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * await assert.rejects(readSafetensors("no_such_run/model.safetensors"), /no such file/);
 * ```
 */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  return parseSafetensors(await readBytes(path), path);
}

/** Reads a whole file; errors name it. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(`Cannot read ${path}: no such file`, { cause });
    }
    throw new Error(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

function checkTensor(name: string, { dtype, shape, data }: FileTensor): void {
  if (name === METADATA) {
    throw new TypeError(`Cannot write tensors: a name must not be ${METADATA}, found it`);
  }
  const size = byteLength(dtype, shape);
  if (data.length !== size) {
    const wanted = `${name} must have ${size} bytes for ${dtype} [${shape.join(", ")}]`;
    throw new TypeError(`Cannot write tensors: ${wanted}, found ${data.length}`);
  }
}

function join(header: string, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(header);
  const dataStart = LENGTH_BYTES + Math.ceil(head.length / 8) * 8;
  const size = parts.reduce((sum, part) => sum + part.length, dataStart);
  const bytes = new Uint8Array(size).fill(" ".charCodeAt(0), LENGTH_BYTES, dataStart);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataStart - LENGTH_BYTES), true);
  bytes.set(head, LENGTH_BYTES);
  let begin = dataStart;
  for (const part of parts) {
    bytes.set(part, begin);
    begin += part.length;
  }
  return bytes;
}
