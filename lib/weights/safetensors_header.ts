import { isRecord, isTextRecord } from "../json.ts";
import { byteLength, dtypes, type FileDType, isDType } from "./file_tensor.ts";

/** The bytes before the header, which hold its length. */
export const LENGTH_BYTES = 8;

/** The header's key that is not a tensor. */
export const METADATA = "__metadata__";

const HEADER_LIMIT = 100_000_000;

/** Where a tensor lies, counted from the end of the header. */
export interface Entry {
  /** The tensor's name. */
  readonly name: string;
  /** Format of each number. */
  readonly dtype: FileDType;
  /** Sizes, outermost first. */
  readonly shape: readonly number[];
  /** The first byte. */
  readonly begin: number;
  /** The byte after the last. */
  readonly end: number;
}

/** A header that describes its file without contradiction. */
export interface Header {
  /** All tensors in the order of their data. */
  readonly entries: readonly Entry[];
  /** Free text by key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where in the file the data begins. */
  readonly dataStart: number;
}

/**
 * Reads and checks the header of a safetensors file.
 *
 * @param bytes The whole file.
 * @param action What fails if the header is malformed, such as `Cannot read model.safetensors`.
 * @throws {SyntaxError} If the header is not JSON.
 * @throws {TypeError} If the header does not describe tensors.
 * @throws {RangeError} If a length, an offset or a repeated name contradicts the rest.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const bytes = new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 123, 125]);
 * assert.equal(readHeader(bytes, "Cannot read empty.safetensors").dataStart, 10);
 * ```
 */
export function readHeader(bytes: Uint8Array, action: string): Header {
  const dataStart = readDataStart(bytes, action);
  const { [METADATA]: metadata = {}, ...fields } = readFields(
    bytes.subarray(LENGTH_BYTES, dataStart),
    action,
  );
  if (!isTextRecord(metadata)) {
    throw new TypeError(
      `${action}: ${METADATA} must map names to strings, found ${quote(metadata)}`,
    );
  }
  const entries = Object.entries(fields).map(([name, value]) => readEntry(name, value, action));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCover(entries, bytes.length - dataStart, action);
  return { entries, metadata, dataStart };
}

function readDataStart(bytes: Uint8Array, action: string): number {
  if (bytes.length < LENGTH_BYTES) {
    throw new RangeError(`${action}: the file must have at least 8 bytes, found ${bytes.length}`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > HEADER_LIMIT) {
    throw new RangeError(`${action}: the header must have at most 100 MB, found ${length} bytes`);
  }
  const dataStart = LENGTH_BYTES + Number(length);
  if (dataStart > bytes.length) {
    const left = bytes.length - LENGTH_BYTES;
    throw new RangeError(`${action}: the header must have ${length} bytes, found ${left}`);
  }
  return dataStart;
}

function readFields(bytes: Uint8Array, action: string): Record<string, unknown> {
  const text = decode(bytes, action);
  const header = parse(text, action);
  if (!isRecord(header)) {
    throw new TypeError(`${action}: the header must be a JSON object, found ${quote(header)}`);
  }
  const key = repeatedKey(text);
  if (key !== undefined) {
    throw new RangeError(
      `${action}: the header must hold each key once, found ${quote(key)} twice`,
    );
  }
  return header;
}

function decode(bytes: Uint8Array, action: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new SyntaxError(`${action}: the header must be UTF-8, found other bytes`, { cause });
  }
}

function parse(text: string, action: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`${action}: the header must be JSON, found ${quote(text)}`, { cause });
  }
}

function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token] of json.matchAll(/"(?:[^"\\]+|\\.)*"(?:\s*:)?|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (token.endsWith(":")) {
      const key = String(JSON.parse(token.slice(0, -1)));
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

function readEntry(name: string, value: unknown, action: string): Entry {
  const { dtype, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  const fail = (wanted: string, found: unknown): never => {
    throw new TypeError(`${action}: ${wanted}, found ${quote(found)}`);
  };
  if (!isDType(dtype)) {
    return fail(`dtype of ${quote(name)} must be one of ${dtypes.join(", ")}`, dtype);
  }
  if (!isSizes(shape)) return fail(`shape of ${quote(name)} must be a list of sizes`, shape);
  const [begin, end] = isSizes(offsets) ? offsets : [];
  if (!isSizes(offsets) || begin === undefined || end === undefined || offsets.length !== 2) {
    return fail(`data_offsets of ${quote(name)} must be two positions`, offsets);
  }
  const size = byteLength(dtype, shape);
  if (end - begin !== size) {
    const wanted = `data_offsets of ${quote(name)} must span ${size} bytes for ${dtype} ${
      quote(shape)
    }`;
    throw new RangeError(`${action}: ${wanted}, found ${quote(offsets)}`);
  }
  return { name, dtype, shape, begin, end };
}

function checkCover(entries: readonly Entry[], dataLength: number, action: string): void {
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      throw new RangeError(
        `${action}: data of ${quote(name)} must begin at ${covered}, found ${begin}`,
      );
    }
    covered = end;
  }
  if (covered !== dataLength) {
    throw new RangeError(`${action}: the data must have ${covered} bytes, found ${dataLength}`);
  }
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? "none";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
