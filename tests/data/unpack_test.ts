import assert from "node:assert/strict";
import { unpackFolder } from "../../data/unpack.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { type Entry, filesIn, gzip, md5, tarGz } from "./tar_gz.ts";

const LARGE = Uint8Array.from({ length: 500_000 }, (_, at) => (at * at >>> 5) % 256);

async function refuse(bytes: Uint8Array, reason: string | RegExp): Promise<void> {
  await using folder = await tempFolder();
  const root = `${folder.path}/root`;
  await Deno.mkdir(root);
  await Deno.writeFile(`${root}/set.tar.gz`, bytes);
  await assert.rejects(unpackFolder(`${root}/set.tar.gz`, `${root}/set`), (error) => {
    assert(error instanceof Error);
    const start = `Cannot unpack ${root}/set.tar.gz: `;
    assert.equal(error.message.slice(0, start.length), start);
    if (typeof reason === "string") assert.equal(error.message.slice(start.length), reason);
    else assert.match(error.message.slice(start.length), reason);
    return true;
  });
  assert.deepEqual(await filesIn(folder.path), ["root/", "root/set.tar.gz"]);
}

async function refuseEntry(entry: Entry, reason: string): Promise<void> {
  const good: Entry = [{ name: "set/good.bin" }, LARGE];
  await refuse(await tarGz([good, entry, [{ name: "set/after.bin" }, LARGE]]), reason);
  await refuse(await tarGz([entry, good]), reason);
}

Deno.test("unpackFolder: files keep their bytes and their folders", async () => {
  await using folder = await tempFolder();
  const archive = `${folder.path}/set.tar.gz`;
  await Deno.writeFile(
    archive,
    await tarGz([
      [{ name: "./set/", type: "directory" }],
      [{ name: "./set/large.bin" }, LARGE],
      [{ name: "./set/empty.txt" }],
      [{ name: "./set/deep/er/name..txt" }, "text"],
    ]),
  );
  await unpackFolder(archive, `${folder.path}/set`);
  assert.equal(md5(await Deno.readFile(`${folder.path}/set/large.bin`)), md5(LARGE));
  assert.equal(await Deno.readTextFile(`${folder.path}/set/deep/er/name..txt`), "text");
  assert.deepEqual(await filesIn(folder.path), [
    "set.tar.gz",
    "set/",
    "set/deep/",
    "set/deep/er/",
    "set/deep/er/name..txt",
    "set/empty.txt",
    "set/large.bin",
  ]);
});

Deno.test("unpackFolder: an archive of another folder is refused", async () => {
  const bytes = await tarGz([[{ name: "other/a" }, "1"], [{ name: "set" }, "a file"]]);
  await refuse(bytes, "it must hold the folder set, found other");
  await refuse(await tarGz([]), "it must hold the folder set, found none");
});

Deno.test("unpackFolder: paths that lead elsewhere are refused", async () => {
  for (const name of ["../evil", "set/../../evil", "/evil", "set\\..\\evil", "C:/evil"]) {
    await refuseEntry([{ name }, "evil"], `its paths must lead into the folder, found ${name}`);
  }
});

Deno.test("unpackFolder: links and devices are refused", async () => {
  const reason = (type: string) => `its entries must be files and folders, found the ${type} set/x`;
  for (const type of ["symlink", "link"] as const) {
    await refuseEntry([{ name: "set/x", type, linkname: "../../evil" }], reason(type));
  }
  await refuseEntry([{ name: "set/x", type: "fifo" }], reason("fifo"));
});

Deno.test("unpackFolder: an archive that is cut short is refused", async () => {
  const bytes = await tarGz([[{ name: "set/large.bin" }, LARGE], [{ name: "set/b" }, LARGE]]);
  for (const share of [0.1, 0.5, 0.9]) {
    await refuse(bytes.subarray(0, Math.round(bytes.length * share)), /./);
  }
});

Deno.test("unpackFolder: a whole stream of a tar that is cut short is refused", async () => {
  const whole = await tarGz([[{ name: "set/large.bin" }, LARGE]]);
  const tar = new Blob([whole]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(tar).arrayBuffer());
  await refuse(await gzip(bytes.subarray(0, 200_000)), "Unexpected end of data");
});

Deno.test("unpackFolder: an archive whose own checksum is wrong is refused", async () => {
  const bytes = await tarGz([[{ name: "set/large.bin" }, LARGE]]);
  const checksum = bytes.length - 8;
  bytes[checksum] = (bytes[checksum] ?? 0) ^ 1;
  await refuse(bytes, /./);
});

Deno.test("unpackFolder: what is no archive is refused", async () => {
  await refuse(new TextEncoder().encode("<html>not found</html>"), /./);
  await refuse(await gzip(LARGE.slice(0, 5000)), /./);
});

Deno.test("unpackFolder: a folder with files is not overwritten", async () => {
  await using folder = await tempFolder();
  const [archive, target] = [`${folder.path}/set.tar.gz`, `${folder.path}/set`];
  await Deno.writeFile(archive, await tarGz([[{ name: "set/a" }, "new"]]));
  await Deno.mkdir(target);
  await Deno.writeTextFile(`${target}/mine`, "old");
  await assert.rejects(unpackFolder(archive, target), /^Error: Cannot unpack /);
  assert.deepEqual(await filesIn(folder.path), ["set.tar.gz", "set/", "set/mine"]);
});
