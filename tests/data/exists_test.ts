import assert from "node:assert/strict";
import { exists } from "../../data/exists.ts";
import { tempFolder } from "../support/temp_folder.ts";

Deno.test("exists: files and folders do, other names do not", async () => {
  await using folder = await tempFolder();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  assert.equal(await exists(folder.path), true);
  assert.equal(await exists(`${folder.path}/file`), true);
  assert.equal(await exists(`${folder.path}/other`), false);
});

Deno.test({
  name: "exists: a failure other than not found is not an answer",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await tempFolder();
    await Deno.writeTextFile(`${folder.path}/file`, "");
    await assert.rejects(exists(`${folder.path}/file/below`), Deno.errors.NotADirectory);
  },
});
