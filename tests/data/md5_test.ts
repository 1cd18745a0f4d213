import assert from "node:assert/strict";
import { md5OfFile } from "../../data/md5.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { md5 } from "./tar_gz.ts";

Deno.test("md5OfFile: the digest of an empty file is the known one", async () => {
  await using folder = await tempFolder();
  await Deno.writeTextFile(`${folder.path}/empty`, "");
  assert.equal(await md5OfFile(`${folder.path}/empty`), "d41d8cd98f00b204e9800998ecf8427e");
});

Deno.test("md5OfFile: a file of many pieces gives the digest of the whole", async () => {
  await using folder = await tempFolder();
  const bytes = Uint8Array.from({ length: 300_001 }, (_, at) => at % 251);
  await Deno.writeFile(`${folder.path}/large`, bytes);
  assert.equal(await md5OfFile(`${folder.path}/large`), md5(bytes));
});
