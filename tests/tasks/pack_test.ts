import assert from "node:assert/strict";
import { join } from "node:path";
import { runTask } from "../support/command.ts";
import { drawFolder } from "../support/pictures.ts";
import { tempFolder } from "../support/temp_folder.ts";

Deno.test("pack: a link that leads nowhere is named and left out, the rest is packed", async () => {
  await using root = await tempFolder();
  const cwd = root.path;
  await drawFolder(join(cwd, "images"), { classes: 1, train: 2, val: 1 });
  await Deno.symlink("nowhere", join(cwd, "images/train/class0/9.jpg"));
  const args = ["images", "packed", "--size=16", "--workers=1"];
  const { code, stdout, stderr } = await runTask("pack", args, { cwd });
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^images: 2 \+ 1 images of 1 classes\nleft out: 1 link that leads nowhere \(train\/class0\/9\.jpg\)\n/,
  );
  assert.match(stdout, /packed: 3 images, 0 left out in this run\n$/);
});
