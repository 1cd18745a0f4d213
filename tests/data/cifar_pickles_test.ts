import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { openCifar, readCifar } from "../../data/cifar.ts";
import { readPickles } from "../../data/cifar_pickles.ts";
import { withFile } from "../support/weight_files.ts";

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const IMAGE = 3 * 32 * 32;

Deno.test("readCifar: the Python version holds the images of the binary one", async () => {
  const binary = await readCifar("CIFAR10", { root: fixture("cifar10-mini") });
  const python = await readCifar("CIFAR10", { root: fixture("cifar10-mini-py") });
  assert.deepEqual([python.train.count, python.test.count], [20, 4]);
  for (const [part, batch, every] of [["train", 4, 100], ["test", 4, 200]] as const) {
    for (let index = 0; index < python[part].count; index++) {
      const at = Math.floor(index / batch) * every + index % batch;
      assert.equal(python[part].labels[index], binary[part].labels[at]);
      const image = (images: typeof binary.test, place: number) =>
        images.pixels.subarray(place * IMAGE, (place + 1) * IMAGE);
      assert.ok(Buffer.from(image(python[part], index)).equals(image(binary[part], at)));
    }
  }
});

Deno.test("openCifar: where the Python version is, nothing is downloaded", async () => {
  const source = { url: "http://127.0.0.1:1/never", md5: "0" };
  const { train } = await openCifar("CIFAR10", { root: fixture("cifar10-mini-py"), source });
  assert.equal(train.count, 20);
});

const array = (shape: string, dtype: string, data: string) =>
  "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n)U\x01b\x87R(K\x01" + shape +
  `cnumpy\ndtype\nU\x02${dtype}\x85R(K\x03U\x01|tb\x89T${
    String.fromCharCode(data.length)
  }\0\0\0${data}tb`;
const batch = (data: string, labels: string) => `\x80\x02}(U\x04data${data}U\x06labels${labels}u.`;

const REFUSED = {
  "code": [
    "\x80\x02cos\nsystem\n(S'touch owned'\ntR.",
    "it must hold an array data, found none",
  ],
  "no images": ["\x80\x02}.", "it must hold an array data, found none"],
  "images of another size": [
    batch(array("K\x01K\x02\x86", "u1", "ab"), "](K\x00e"),
    "data must be U8 [images, 3], found U8 [1, 2]",
  ],
  "real numbers": [
    batch(array("K\x00K\x03\x86", "f4", ""), "]"),
    "data must be U8 [images, 3], found F32 [0, 3]",
  ],
  "fewer bytes than pixels": [
    batch(array("K\x02K\x03\x86", "u1", "abcd"), "](K\x00e"),
    "the pickle at byte 113 must have 6 bytes for U8 [2, 3], found 4",
  ],
  "fewer labels than images": [
    batch(array("K\x02K\x03\x86", "u1", "abcdef"), "](K\x00e"),
    "it must hold 2 labels, found 1",
  ],
  "an array of labels that are no whole numbers": [
    batch(array("K\x01K\x03\x86", "u1", "abc"), array("K\x01\x85", "f4", "\0\0\0\x3f")),
    "labels must be whole numbers below 2, found 0.5 in record 0",
  ],
  "an array of texts for labels": [
    batch(array("K\x01K\x03\x86", "u1", "abc"), array("K\x01\x85", "U1", "abcd")),
    "must hold real or whole numbers, found NumPy's U1",
  ],
  "a label of no class": [
    batch(array("K\x01K\x03\x86", "u1", "abc"), "](K\x02e"),
    "labels must be whole numbers below 2, found 2 in record 0",
  ],
} as const;

const format = { name: "dots", size: 1, classes: 2, labels: 1, labelKey: "labels" };

Deno.test("readPickles: reads a small batch", () =>
  withFile(
    Buffer.from(batch(array("K\x01K\x03\x86", "u1", "abc"), "](K\x01e"), "latin1"),
    async (path) => {
      const { count, pixels, labels } = await readPickles([path], format);
      assert.deepEqual([count, ...pixels, ...labels], [1, 97, 98, 99, 1]);
    },
  ));

const scalar = (dtype: string, bytes: string) =>
  `cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nU\x02${dtype}\x85RU${
    String.fromCharCode(bytes.length)
  }${bytes}\x86R`;
const LABELS = {
  "an array of int64": array("K\x02\x85", "i8", "\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
  "an array of bytes": array("K\x02\x85", "u1", "\x01\0"),
  "scalars of NumPy 2": `](${scalar("i8", "\x01\0\0\0\0\0\0\0")}${scalar("u1", "\0")}e`,
  "a tuple": "K\x01K\x00\x86",
};

for (const [what, labels] of Object.entries(LABELS)) {
  Deno.test(`readPickles: labels that are ${what}`, () =>
    withFile(
      Buffer.from(batch(array("K\x02K\x03\x86", "u1", "abcdef"), labels), "latin1"),
      async (path) => assert.deepEqual([...(await readPickles([path], format)).labels], [1, 0]),
    ));
}

for (const [what, [pickle, problem]] of Object.entries(REFUSED)) {
  Deno.test(`readPickles: refuses ${what}`, () =>
    withFile(Buffer.from(pickle, "latin1"), (path) =>
      assert.rejects(readPickles([path], format), {
        message: `Cannot read ${path}: ${problem}`,
      })));
}

Deno.test("readPickles: a file that is not there is named", () =>
  assert.rejects(readPickles(["gone/test_batch"], format), {
    message: "Cannot read gone/test_batch: dots needs this file, found none",
  }));
