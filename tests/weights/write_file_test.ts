import assert from "node:assert/strict";
import { writeFileAtomic } from "../../lib/weights/write_file.ts";
import { tempFolder } from "../support/temp_folder.ts";

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  await using folder = await tempFolder();
  await body(folder.path);
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name);
}

Deno.test("writeFileAtomic: writes bytes and text, and replaces what was there", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log.txt`;
    await writeFileAtomic(path, new Uint8Array([1, 2, 3]));
    assert.deepEqual([...await Deno.readFile(path)], [1, 2, 3]);
    await writeFileAtomic(path, "größe");
    assert.equal(await Deno.readTextFile(path), "größe");
    assert.deepEqual(namesIn(folder), ["log.txt"]);
  }));

Deno.test("writeFileAtomic: the file is never seen in parts", () =>
  withFolder(async (folder) => {
    const path = `${folder}/model.safetensors`;
    const size = 4_000_000;
    await writeFileAtomic(path, new Uint8Array(size));
    let writing = true;
    const writes = (async () => {
      for (let i = 0; i < 8; i++) await writeFileAtomic(path, new Uint8Array(size));
      writing = false;
    })();
    while (writing) assert.equal((await Deno.stat(path)).size, size);
    await writes;
  }));

Deno.test("writeFileAtomic: writers of one file do not disturb each other", () =>
  withFolder(async (folder) => {
    const path = `${folder}/config.json`;
    const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
    await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
    assert.ok(texts.includes(await Deno.readTextFile(path)));
    assert.deepEqual(namesIn(folder), ["config.json"]);
  }));

Deno.test("writeFileAtomic: a failure leaves nothing behind and names the file", () =>
  withFolder(async (folder) => {
    const path = `${folder}/taken`;
    await Deno.mkdir(`${path}/inside`, { recursive: true });
    await assert.rejects(writeFileAtomic(path, "x"), (error) => {
      assert.ok(error instanceof Error);
      assert.ok(error.message.startsWith(`Cannot write ${path}: `), error.message);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
    assert.deepEqual(namesIn(folder), ["taken"]);
    await assert.rejects(
      writeFileAtomic(`${folder}/gone/log.txt`, "x"),
      /^Error: Cannot write .*log\.txt: /,
    );
  }));
