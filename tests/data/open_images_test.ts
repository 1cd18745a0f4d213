import assert from "node:assert/strict";
import { join } from "node:path";
import { openImages } from "../../data/open_images.ts";
import { tempFolder } from "../support/temp_folder.ts";

Deno.test("openImages: a folder of no known layout, no folder and a file are told what is looked for", async () => {
  await using root = await tempFolder();
  await Deno.writeTextFile(join(root.path, "classes.txt"), "");
  const cases = [["", "none of them"], ["none", "none"], ["classes.txt", "a file"]] as const;
  for (const [name, found] of cases) {
    const path = join(root.path, name);
    await assert.rejects(openImages(path), {
      message: `Cannot read ${path}: wanted a folder with pack.json (a pack), ` +
        "train (an image folder), images.txt (CUB-200-2011) or TrainImages.txt (MIT Indoor 67) " +
        `in it, found ${found}`,
    });
  }
});

Deno.test("openImages: an image folder with lists beside it is an image folder", async () => {
  await using root = await tempFolder();
  for (const split of ["train", "val"]) {
    await Deno.mkdir(join(root.path, split, "cat"), { recursive: true });
    await Deno.writeTextFile(join(root.path, split, "cat/1.jpg"), "");
  }
  await Deno.writeTextFile(join(root.path, "images.txt"), "");
  assert.equal((await openImages(root.path)).val.count, 1);
});
