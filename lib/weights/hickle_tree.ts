import type { Hdf5Dataset, Hdf5Kind } from "./hdf5_file.ts";
import { wordNames } from "./notes.ts";

/** What is asked of an HDF5 file to find the tensors in it. */
export interface HickleSource {
  /** What stands at a path. */
  kind(path: string): Hdf5Kind;
  /** The names in a group. */
  children(path: string): string[];
  /** Describes a dataset. */
  describe(path: string): Hdf5Dataset;
  /** Reads a dataset's elements, little endian. */
  read(path: string, bytes: number): Uint8Array;
  /** A whole number that an attribute holds. */
  wholeAttribute(path: string, name: string): number | undefined;
  /** The path of the object that a reference points to. */
  target(path: string): string;
}

/** Where a tensor lies. */
export interface HickleEntry {
  /** Its name: the keys of the nested dicts, joined with dots. */
  readonly name: string;
  /** The dataset. */
  readonly path: string;
}

const DEPTH = 32;
const MOST_VISITS = 20_000;
/** What versions 2 to 4 call the dataset inside an item's group. */
const WRAPPED = /^data(?:_0)?$/;
const LIST_ITEM = /^data_?(\d+)$/;

/**
 * Finds the arrays in a hickle file of any version from 1 to 5. The layouts differ in where an array lies
 * (`/data/k`, `/data/k/data`, `/data_0/k/data_0`) and in how keys are quoted; no attribute is needed to tell them
 * apart.
 *
 * @param source The file.
 * @returns The datasets in the order of the dicts where the file has it.
 * @throws {TypeError} If it is an HDF5 file of something else.
 * @throws {RangeError} If there are groups without end.
 */
export function listHickle(source: HickleSource): HickleEntry[] {
  const found: HickleEntry[] = [];
  let visits = 0;
  const visit = (path: string, name: string, depth: number): void => {
    if (depth > DEPTH) {
      throw new RangeError(`groups must be nested at most ${DEPTH} deep, found more at ${path}`);
    }
    if (++visits > MOST_VISITS) {
      throw new RangeError(
        `there must be at most ${MOST_VISITS} groups and arrays, found more at ${path}`,
      );
    }
    const kind = source.kind(path);
    if (kind === "dataset") {
      const isReference = source.describe(path).dtype === "reference";
      found.push({ name, path: isReference ? follow(source, path) : path });
    }
    if (kind !== "group") return;
    for (const { key, path: child } of itemsOf(source, path)) {
      visit(child, [name, key].filter((part) => part !== "").join("."), depth + 1);
    }
  };
  for (const root of rootsOf(source)) visit(root, "", 0);
  return found;
}

function rootsOf(source: HickleSource): string[] {
  const names = source.children("/").filter((name) => !isSide(name));
  const roots = names.filter((name) => WRAPPED.test(name) || LIST_ITEM.test(name));
  if (roots.length > 0) return roots.map((name) => `/${name}`);
  // hickle's option `path` puts everything into a group of another name
  const inner = names.filter((name) => source.kind(`/${name}`) === "group").flatMap((name) =>
    source.children(`/${name}`).filter((child) => WRAPPED.test(child)).map((child) =>
      `/${name}/${child}`
    )
  );
  if (inner.length > 0) return inner;
  throw new TypeError(
    `it must be hickle's, with /data or /data_0, found an HDF5 file with ${
      wordNames(names) || "nothing in it"
    }`,
  );
}

/** Version 1 keeps the type of `k` in a dataset `_k`, version 5 all types in a table. */
function isSide(name: string): boolean {
  return name.startsWith("_") || name === "hickle_types_table" || name === "type";
}

function itemsOf(source: HickleSource, path: string): { key: string; path: string }[] {
  const names = source.children(path);
  const there = new Set(names);
  const kept = names.filter((name) => !(name.startsWith("_") && there.has(name.slice(1))));
  const [only = "", ...others] = kept;
  if (others.length === 0 && WRAPPED.test(only)) return [{ key: "", path: `${path}/${only}` }];
  const items = kept.map((name) => itemOf(source, `${path}/${name}`, name));
  return items.sort((a, b) => a.order - b.order);
}

function itemOf(source: HickleSource, path: string, name: string) {
  const order = source.wholeAttribute(path, "key_idx") ??
    source.wholeAttribute(path, "item_index") ?? 0;
  const listItem = LIST_ITEM.exec(name)?.[1];
  if (listItem === undefined) return { key: keyOf(name), path, order };
  if (isPair(source, path)) {
    return { key: textOf(source, `${path}/data0`), path: `${path}/data1`, order };
  }
  return { key: listItem, path, order: Number(listItem) };
}

/** Version 5 stores a key with a slash as a group of the key and the value. */
function isPair(source: HickleSource, path: string): boolean {
  if (source.kind(path) !== "group") return false;
  const names = source.children(path);
  return names.length === 2 && names.includes("data0") && names.includes("data1") &&
    source.describe(`${path}/data0`).dtype === "string";
}

function textOf(source: HickleSource, path: string): string {
  const length = (source.describe(path).shape ?? [0]).reduce((a, b) => a * b, 1);
  if (length > 10_000) {
    throw new RangeError(`a key must be short, found ${length} bytes at ${path}`);
  }
  return new TextDecoder().decode(source.read(path, length));
}

function follow(source: HickleSource, path: string): string {
  const target = source.target(path);
  if (source.kind(target) === "dataset" && source.describe(target).dtype !== "reference") {
    return target;
  }
  throw new TypeError(`${path} must refer to an array, found ${target}`);
}

/**
 * Takes the quotes of Python's `repr` off a key.
 *
 * @param name The name in the file.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(keyOf("u'conv0.weight'"), "conv0.weight");
 * assert.equal(keyOf('"fc.bias"'), "fc.bias");
 * assert.equal(keyOf("'a\\\\b'"), "a/b");
 * ```
 */
export function keyOf(name: string): string {
  const text = /^[ub]?(['"])(.*)\1$/s.exec(name)?.[2] ?? name;
  return text.replaceAll("\\\\", "/");
}
