import assert from "node:assert/strict";
import { lockFile } from "../../lib/train/lock_file.ts";
import { tempFolder } from "../support/temp_folder.ts";

Deno.test("lockFile: one holder at a time, and the file stays", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/new/lock`;
  {
    using held = await lockFile(path);
    assert.ok(held);
    assert.equal(await lockFile(path), null);
  }
  assert.equal((await Deno.stat(path)).size, 0);
  using again = await lockFile(path);
  assert.ok(again);
});

Deno.test("lockFile: a place that cannot hold it is named", async () => {
  await using folder = await tempFolder();
  await assert.rejects(lockFile(folder.path), { message: /^Cannot make lock / });
  await Deno.writeTextFile(`${folder.path}/file`, "");
  await assert.rejects(
    lockFile(`${folder.path}/file/lock`),
    /^Error: Cannot make lock .*file\/lock: /,
  );
});
