import assert from "node:assert/strict";
import { type HickleSource, keyOf, listHickle } from "../../lib/weights/hickle_tree.ts";

/** Nested groups; a string is a dataset of that type, an object with `to` a reference. */
interface Tree {
  readonly [name: string]: Tree | string | { readonly to: string };
}

function sourceOf(tree: Tree): HickleSource {
  const find = (path: string): Tree[string] | undefined =>
    path.split("/").filter((part) => part !== "").reduce<Tree[string] | undefined>(
      (at, part) => typeof at === "object" && !("to" in at) ? (at as Tree)[part] : undefined,
      tree,
    );
  const isDataset = (value: Tree[string] | undefined) =>
    typeof value === "string" || (value !== undefined && "to" in value);
  return {
    kind: (path) => {
      const value = find(path);
      return value === undefined ? "other" : isDataset(value) ? "dataset" : "group";
    },
    children: (path) => Object.keys(find(path) ?? {}),
    describe: (path) => {
      const value = find(path);
      const isText = typeof value === "string" && value.startsWith("text:");
      const dtype = typeof value !== "string" ? "reference" : isText ? "string" : "F32";
      return { dtype, shape: isText ? [value.length - 5] : [2], filters: [] };
    },
    read: (path) => new TextEncoder().encode(String(find(path)).slice(5)),
    wholeAttribute: () => undefined,
    target: (path) => {
      const value = find(path);
      return typeof value === "object" && "to" in value ? String(value.to) : "";
    },
  };
}

function list(tree: Tree): string[] {
  return listHickle(sourceOf(tree)).map(({ name, path }) => `${name} ${path}`);
}

Deno.test("listHickle: every layout of a dict", () => {
  const layouts: Record<string, [Tree, string[]]> = {
    "1.x": [{ data: { a: "x", _a: "text:t", n: { b: "x" } }, type: "text:dict" }, [
      "a /data/a",
      "n.b /data/n/b",
    ]],
    "2.x": [{ data_0: { "conv0.weight": { data_0: "x" } } }, [
      "conv0.weight /data_0/conv0.weight/data_0",
    ]],
    "3.4": [{ data_0: { "'a.b'": { data_0: "x" }, "u'c'": { data_0: "x" } } }, [
      "a.b /data_0/'a.b'/data_0",
      "c /data_0/u'c'/data_0",
    ]],
    "4.x": [{ data: { "'a'": { data: "x" }, "'n'": { data: { "'b'": { data: "x" } } } } }, [
      "a /data/'a'/data",
      "n.b /data/'n'/data/'b'/data",
    ]],
    "5.x": [{ data: { '"a.b"': "x", '"again"': { to: '/data/"a.b"' } }, hickle_types_table: {} }, [
      'a.b /data/"a.b"',
      'again /data/"a.b"',
    ]],
    "5.x, a key with a slash": [{ data: { data0: { data0: "text:a/b", data1: "x" } } }, [
      "a/b /data/data0/data1",
    ]],
    "a list": [{ data: { '"l"': { data0: "x", data1: "x" } } }, [
      'l.0 /data/"l"/data0',
      'l.1 /data/"l"/data1',
    ]],
    "an array": [{ data: "x" }, [" /data"]],
    "another path": [{ test: { data_0: { "'a'": { data_0: "x" } } } }, [
      "a /test/data_0/'a'/data_0",
    ]],
  };
  for (const [name, [tree, wanted]] of Object.entries(layouts)) {
    assert.deepEqual(list(tree), wanted, name);
  }
});

Deno.test("listHickle: groups without end and references to references are errors", () => {
  const loop: Record<string, Tree | string> = {};
  loop["a"] = loop;
  assert.throws(() => list({ data: loop }), /groups must be nested at most 32 deep/);
  const many: Record<string, Tree | string> = {};
  for (let at = 0; at < 20; at++) many[`k${at}`] = { a: many, b: "x" };
  assert.throws(
    () => list({ data: { ...many } }),
    /at most 32 deep|at most 20000 groups and arrays/,
  );
  const wide = Object.fromEntries(Array.from({ length: 20_001 }, (_, at) => [`k${at}`, "x"]));
  assert.throws(() => list({ data: wide }), /at most 20000 groups and arrays, found more/);
  const circle = { data: { '"a"': { to: '/data/"b"' }, '"b"': { to: '/data/"a"' } } };
  assert.throws(() => list(circle), /\/data\/"a" must refer to an array, found \/data\/"b"/);
});

Deno.test("listHickle: an HDF5 file of something else is an error that says what is in it", () => {
  assert.throws(() => list({ layer: { kernel: "x" }, optimizer: { step: "x" } }), {
    name: "TypeError",
    message: "it must be hickle's, with /data or /data_0, found an HDF5 file with layer, optimizer",
  });
  assert.throws(() => list({}), /found an HDF5 file with nothing in it$/);
});

Deno.test("keyOf: takes quotes off only where they match", () => {
  const keys = {
    "'a'": "a",
    "u'a'": "a",
    'b"a"': "a",
    "'a": "'a",
    "it's": "it's",
    "'a\\\\b'": "a/b",
  };
  for (const [text, key] of Object.entries(keys)) assert.equal(keyOf(text), key);
});
