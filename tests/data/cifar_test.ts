import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openCifar, readCifar } from "../../data/cifar.ts";
import { type Progress } from "../../data/download.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { type Entry, filesIn, md5, serve, tarGz } from "./tar_gz.ts";

const MINI = fileURLToPath(new URL("../fixtures/cifar10-mini", import.meta.url));
const PLANE = 32 * 32;
const IMAGE = 3 * PLANE;
const TRAIN_FILES = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`);
const FILES = [...TRAIN_FILES, "test_batch.bin"];

function records(...labels: number[][]): Uint8Array {
  const bytes = labels.map((label, index) => [...label, ...new Array<number>(IMAGE).fill(index)]);
  return Uint8Array.from(bytes.flat());
}

async function writeSet(folder: string, files: Record<string, Uint8Array>): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
}

function archiveOf(folder: string, content: (name: string) => Uint8Array): Entry[] {
  return FILES.map((name) => [{ name: `${folder}/${name}` }, content(name)]);
}

async function refuse10(
  name: string,
  { bytes, problem }: { bytes: Uint8Array; problem: string },
): Promise<void> {
  await using root = await tempFolder();
  const folder = `${root.path}/cifar-10-batches-bin`;
  await writeSet(folder, Object.fromEntries(FILES.map((file) => [file, records([1])])));
  await Deno.writeFile(`${folder}/${name}`, bytes);
  await assert.rejects(readCifar("CIFAR10", { root: root.path }), {
    name: "Error",
    message: `Cannot read ${folder}/${name}: ${problem}`,
  });
}

Deno.test("readCifar: CIFAR10 comes in the order of its files, each image to its label", async () => {
  const { train, test, ...rest } = await readCifar("CIFAR10", { root: MINI });
  assert.deepEqual(rest, {
    name: "CIFAR10",
    classes: 10,
    size: 32,
    mean: [125.3, 123, 113.9],
    std: [63, 62.1, 66.7],
  });
  assert.deepEqual([train.count, train.labels.length, train.pixels.length], [
    500,
    500,
    500 * IMAGE,
  ]);
  assert.deepEqual([test.count, test.labels.length, test.pixels.length], [200, 200, 200 * IMAGE]);
  assert.deepEqual([...train.labels.subarray(0, 6)], [6, 9, 9, 4, 1, 1]);
  assert.deepEqual([0, 1, 2, 3, 4].map((batch) => train.labels[batch * 100]), [6, 1, 8, 0, 1]);
  const image = train.pixels.subarray(237 * IMAGE, 238 * IMAGE);
  assert.equal(train.labels[237], 5);
  assert.deepEqual([image[0], image[1], image[PLANE + 5 * 32 + 7], image.at(-1)], [
    91,
    102,
    99,
    66,
  ]);
  assert.equal(test.labels[199], 4);
  const last = test.pixels.subarray(199 * IMAGE);
  assert.deepEqual([last[0], last[PLANE], last.at(-1)], [185, 190, 100]);
});

Deno.test("readCifar: CIFAR100 takes the fine label, and one file a split", async () => {
  await using root = await tempFolder();
  await writeSet(`${root.path}/cifar-100-binary`, {
    "train.bin": records([19, 99], [200, 0], [0, 57]),
    "test.bin": records([5, 42]),
  });
  const { name, classes, mean, std, train, test } = await readCifar("CIFAR100", {
    root: root.path,
  });
  assert.deepEqual([name, classes, mean, std], [
    "CIFAR100",
    100,
    [125.3, 123, 113.9],
    [63, 62.1, 66.7],
  ]);
  assert.deepEqual([...train.labels, ...test.labels], [99, 0, 57, 42]);
  assert.deepEqual([0, 1, 2].map((image) => train.pixels[image * IMAGE]), [0, 1, 2]);
  assert.deepEqual([train.pixels.length, train.pixels.at(-1)], [3 * IMAGE, 2]);
});

Deno.test("readCifar: a file that is not a whole number of records is refused", async () => {
  await refuse10("data_batch_2.bin", {
    bytes: new Uint8Array(100 * 3073 + 7),
    problem:
      "it must hold one or more records of 3073 bytes, found 307307 bytes, 7 bytes over 100 records",
  });
  await refuse10("test_batch.bin", {
    bytes: new Uint8Array(3072),
    problem:
      "it must hold one or more records of 3073 bytes, found 3072 bytes, 3072 bytes over 0 records",
  });
});

Deno.test("readCifar: a CIFAR100 record has two label bytes", async () => {
  await using root = await tempFolder();
  const folder = `${root.path}/cifar-100-binary`;
  await writeSet(folder, { "train.bin": records([1, 2]), "test.bin": records([1]) });
  await assert.rejects(readCifar("CIFAR100", { root: root.path }), {
    message: `Cannot read ${folder}/test.bin: it must hold one or more records of 3074 bytes, ` +
      "found 3073 bytes, 3073 bytes over 0 records",
  });
});

Deno.test("readCifar: an empty file is refused", async () => {
  await refuse10("data_batch_5.bin", {
    bytes: new Uint8Array(),
    problem: "it must hold one or more records of 3073 bytes, found 0 bytes",
  });
});

Deno.test("readCifar: a label that is no class is refused, with its record", async () => {
  await refuse10("data_batch_3.bin", {
    bytes: records([9], [0], [10]),
    problem: "labels must be below 10, found 10 in record 2",
  });
});

Deno.test("readCifar: a fine label that is no class is refused", async () => {
  await using root = await tempFolder();
  const folder = `${root.path}/cifar-100-binary`;
  await writeSet(folder, { "train.bin": records([1, 99], [1, 100]), "test.bin": records([1, 1]) });
  await assert.rejects(readCifar("CIFAR100", { root: root.path }), {
    message: `Cannot read ${folder}/train.bin: labels must be below 100, found 100 in record 1`,
  });
});

Deno.test("readCifar: each missing file is named", async () => {
  for (const name of FILES) {
    await using root = await tempFolder();
    const folder = `${root.path}/cifar-10-batches-bin`;
    const others = FILES.filter((file) => file !== name);
    await writeSet(folder, Object.fromEntries(others.map((file) => [file, records([1])])));
    await assert.rejects(readCifar("CIFAR10", { root: root.path }), {
      message: `Cannot read ${folder}/${name}: CIFAR10 needs this file, found none`,
    });
  }
});

Deno.test("readCifar: a folder in the place of a file is refused", async () => {
  await using root = await tempFolder();
  const folder = `${root.path}/cifar-100-binary`;
  await Deno.mkdir(`${folder}/train.bin`, { recursive: true });
  await assert.rejects(readCifar("CIFAR100", { root: root.path }), (error) => {
    assert(error instanceof Error);
    assert(error.message.startsWith(`Cannot read ${folder}/train.bin: `));
    return true;
  });
});

Deno.test("openCifar: a folder that is there is read, and nothing is fetched", async () => {
  let requests = 0;
  await using server = serve(() => new Response(String(requests++)));
  const source = { url: server.url, md5: "" };
  const { train } = await openCifar("CIFAR10", { root: MINI, source });
  assert.equal(train.count, 500);
  assert.equal(requests, 0);
});

Deno.test("openCifar: a missing file in a folder that is there is named, not fetched", async () => {
  await using root = await tempFolder();
  let requests = 0;
  await using server = serve(() => new Response(String(requests++)));
  const folder = `${root.path}/cifar-10-batches-bin`;
  await writeSet(folder, { "data_batch_1.bin": records([1]) });
  const source = { url: server.url, md5: "" };
  await assert.rejects(openCifar("CIFAR10", { root: root.path, source }), {
    message: `Cannot read ${folder}/data_batch_2.bin: CIFAR10 needs this file, found none`,
  });
  assert.equal(requests, 0);
});

Deno.test("openCifar: downloads, unpacks, reads, and the next time only reads", async () => {
  await using root = await tempFolder();
  const bytes = await tarGz(
    archiveOf("cifar-10-batches-bin", (name) => records([FILES.indexOf(name)])),
  );
  let requests = 0;
  await using server = serve(() => {
    requests++;
    return new Response(bytes);
  });
  const seen: Progress[] = [];
  const options = {
    root: `${root.path}/new`,
    source: { url: server.url, md5: md5(bytes) },
    onProgress: (progress: Progress) => seen.push(progress),
  };
  for (let time = 0; time < 2; time++) {
    const { train, test } = await openCifar("CIFAR10", options);
    assert.deepEqual([[...train.labels], [...test.labels]], [[0, 1, 2, 3, 4], [5]]);
  }
  assert.equal(requests, 1);
  assert.deepEqual(seen.at(-1), { received: bytes.length, total: bytes.length });
  assert.deepEqual(await filesIn(options.root), [
    "cifar-10-batches-bin/",
    ...FILES.map((name) => `cifar-10-batches-bin/${name}`),
    "cifar-10-binary.tar.gz",
  ]);
});

Deno.test("openCifar: an archive that is there is unpacked, and nothing is fetched", async () => {
  await using root = await tempFolder();
  const bytes = await tarGz([
    [{ name: "cifar-100-binary/train.bin" }, records([0, 7], [0, 8])],
    [{ name: "cifar-100-binary/test.bin" }, records([0, 9])],
  ]);
  await Deno.writeFile(`${root.path}/cifar-100-binary.tar.gz`, bytes);
  const source = { url: "http://127.0.0.1:8123/never", md5: md5(bytes) };
  const { train } = await openCifar("CIFAR100", { root: root.path, source });
  assert.deepEqual([...train.labels], [7, 8]);
});

Deno.test("openCifar: an archive that is there with another digest is not unpacked", async () => {
  for (
    const [name, file, digest] of [
      ["CIFAR10", "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"],
      ["CIFAR100", "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"],
    ] as const
  ) {
    await using root = await tempFolder();
    const bytes = await tarGz(archiveOf("cifar-10-batches-bin", () => records([1])));
    await Deno.writeFile(`${root.path}/${file}`, bytes);
    await assert.rejects(openCifar(name, { root: root.path }), {
      message: `Cannot use ${root.path}/${file}: its MD5 must be ${digest}, found ${md5(bytes)}`,
    });
    assert.deepEqual(await filesIn(root.path), [file]);
  }
});

Deno.test("openCifar: a download with another digest leaves nothing", async () => {
  await using root = await tempFolder();
  const bytes = await tarGz(archiveOf("cifar-10-batches-bin", () => records([1])));
  await using server = serve(() => new Response(bytes));
  const source = { url: server.url, md5: "f".repeat(32) };
  await assert.rejects(
    openCifar("CIFAR10", { root: root.path, source }),
    new RegExp(`the MD5 of .*/cifar-10-binary.tar.gz must be f{32}, found ${md5(bytes)}; `),
  );
  assert.deepEqual(await filesIn(root.path), []);
});

Deno.test("openCifar: without a connection the error says which file to put where", {
  permissions: { net: false, read: "inherit", write: "inherit" },
}, async () => {
  for (
    const [name, archive, folder] of [
      ["CIFAR10", "cifar-10-binary.tar.gz", "cifar-10-batches-bin"],
      ["CIFAR100", "cifar-100-binary.tar.gz", "cifar-100-binary"],
    ] as const
  ) {
    await using root = await tempFolder();
    await assert.rejects(openCifar(name, { root: root.path }), (error) => {
      assert(error instanceof Error);
      const { message } = error;
      const start = `Cannot download https://www.cs.toronto.edu/~kriz/${archive}: Requires net `;
      const end = `; fetch it elsewhere and put it at ${root.path}/${archive} or, unpacked, at ` +
        `${root.path}/${folder}`;
      assert.equal(message.slice(0, start.length), start);
      assert.equal(message.slice(-end.length), end);
      assert(!message.includes("\n"));
      return true;
    });
    assert.deepEqual(await filesIn(root.path), []);
  }
});
