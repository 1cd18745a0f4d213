import assert from "node:assert/strict";
import { join } from "node:path";
import { openImageFolder } from "../../data/image_folder.ts";
import { tempFolder } from "../support/temp_folder.ts";

async function folderOf(files: readonly string[]): ReturnType<typeof tempFolder> {
  const root = await tempFolder();
  for (const file of files) {
    const path = join(root.path, file);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, "");
  }
  return root;
}

const PLAIN = ["train/b/2.jpg", "train/b/10.JPEG", "train/a/x.png", "val/a/y.webp", "val/b/z.bmp"];

Deno.test("openImageFolder: classes and images in Python's order, other files left out", async () => {
  const names = ["\u{1F600}", "\uFF21", "a", "B", "é"];
  await using folder = await folderOf([
    ...names.map((name) => `train/${name}/1.jpg`),
    "train/a/10.JPG",
    "train/a/9.tiff",
    "train/a/notes.txt",
    "train/readme.md",
    "val/B/1.jpeg",
    "val/é/1.ppm",
  ]);
  const root = folder.path;
  const { train, val } = await openImageFolder(root);
  assert.deepEqual(train.classes, ["B", "a", "é", "\uFF21", "\u{1F600}"]);
  assert.deepEqual([...train.labels], [0, 1, 1, 1, 2, 3, 4]);
  const paths = Array.from({ length: 3 }, (_, at) => train.place(at + 1).path);
  assert.deepEqual(paths, ["1.jpg", "10.JPG", "9.tiff"].map((file) => join(root, "train/a", file)));
  assert.deepEqual([...val.labels], [0, 2]);
  assert.deepEqual(val.classes, train.classes);
});

Deno.test("openImageFolder: a wrong layout names what is missing", async () => {
  const cases: [string[], RegExp][] = [
    [["val/a/1.jpg"], /Cannot read .*train: wanted a folder of folders train\/<class>\/<image>/],
    [["train/a/1.jpg"], /Cannot read .*val: wanted a folder of folders val\/<class>\/<image>/],
    [["train/1.jpg", "val/a/1.jpg"], /Cannot read .*train: wanted folders .*, found no folder/],
    [["train/a/1.txt", "val/a/1.jpg"], /Cannot read .*a: wanted images, found none/],
    [["train/a/1.jpg", "val/b/1.jpg"], /every class of val must be in train, found b in val alone/],
  ];
  for (const [files, message] of cases) {
    await using folder = await folderOf(files);
    const root = folder.path;
    await assert.rejects(openImageFolder(root), message);
  }
});

Deno.test("openImageFolder: the list is kept and used until a folder changes", async () => {
  await using folder = await folderOf(PLAIN);
  const root = folder.path;
  const cache = join(root, "list.json");
  const long = new Date(Date.now() - 60_000);
  for (const folder of ["train/a", "train/b", "val/a", "val/b"]) {
    await Deno.utime(join(root, folder), long, long);
  }
  const first = await openImageFolder(root, { cache });
  const text = await Deno.readTextFile(cache);
  // A list that says otherwise shows that it is the list that is read.
  await Deno.writeTextFile(cache, text.replace("10.JPEG", "11.JPEG"));
  const second = await openImageFolder(root, { cache });
  assert.match(second.train.place(1).path, /11\.JPEG$/);
  await Deno.writeTextFile(join(root, "train/b/12.jpg"), "");
  const third = await openImageFolder(root, { cache });
  assert.equal(third.train.count, first.train.count + 1);
  assert.match(third.train.place(1).path, /10\.JPEG$/);
  await Deno.writeTextFile(cache, "{ broken");
  assert.equal((await openImageFolder(root, { cache })).train.count, 4);
  await Deno.writeTextFile(cache, text.replace(root, "/elsewhere").replace("10.JPEG", "11.JPEG"));
  assert.match((await openImageFolder(root, { cache })).train.place(1).path, /10\.JPEG$/);
});

Deno.test("openImageFolder: a folder changed just now is listed again the next time", async () => {
  await using folder = await folderOf(PLAIN);
  const root = folder.path;
  const cache = join(root, "list.json");
  await openImageFolder(root, { cache });
  await Deno.writeTextFile(cache, (await Deno.readTextFile(cache)).replace("10.JPEG", "11.JPEG"));
  assert.match((await openImageFolder(root, { cache })).train.place(1).path, /10\.JPEG$/);
});
