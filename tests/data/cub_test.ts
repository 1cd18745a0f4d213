import assert from "node:assert/strict";
import { join } from "node:path";
import { openCub } from "../../data/cub.ts";
import { openImages } from "../../data/open_images.ts";
import { drawCub } from "../support/known_sets.ts";
import { tempFolder } from "../support/temp_folder.ts";

const SMALL = { classes: 3, train: 2, test: 1 };

Deno.test("openCub: images in the order of the list, each with its class, split and box", async () => {
  await using root = await tempFolder();
  await drawCub(join(root.path, "CUB_200_2011"), SMALL);
  const { train, val } = await openCub(root.path);
  assert.deepEqual(train.classes, ["001.Bird_1", "002.Bird_2", "003.Bird_3"]);
  assert.deepEqual([train.classes, train.run], [val.classes, 1]);
  assert.deepEqual([[...train.labels], [...val.labels]], [[0, 0, 1, 1, 2, 2], [0, 1, 2]]);
  const folder = join(root.path, "CUB_200_2011/images/002.Bird_2");
  assert.deepEqual(train.place(3), {
    path: join(folder, "Bird_2_0001_796005.jpg"),
    span: null,
    box: { left: 10, top: 5, width: 75, height: 67 },
  });
  assert.equal(val.place(1).path, join(folder, "Bird_2_0002_796006.jpg"));
  assert.deepEqual((await openImages(root.path)).train.place(3), train.place(3));
  assert.equal((await openImages(join(root.path, "CUB_200_2011"))).val.count, 3);
});

Deno.test("openCub: lists in any order, with numbers of their own; a box's pixels are those it touches", async () => {
  await using root = await tempFolder();
  await drawCub(root.path, SMALL);
  const change = async (name: string, edit: (lines: string[]) => string[]) => {
    const path = join(root.path, name);
    const lines = edit((await Deno.readTextFile(path)).split("\n"));
    await Deno.writeTextFile(path, `${lines.join("\r\n")}\r\n\r\n`);
  };
  await change("classes.txt", (lines) => lines.map((line) => `1${line}`).reverse());
  await change("image_class_labels.txt", (lines) => lines.map((line) => line.replace(" ", " 1")));
  await change("train_test_split.txt", (lines) => lines.reverse());
  await change("bounding_boxes.txt", (lines) => ["01 -1.5 2.25 7.0 3.5", ...lines.slice(1)]);
  const { train } = await openCub(root.path);
  assert.deepEqual(train.classes, ["003.Bird_3", "002.Bird_2", "001.Bird_1"]);
  assert.deepEqual([...train.labels], [2, 2, 1, 1, 0, 0]);
  assert.deepEqual(train.place(0).box, { left: -2, top: 2, width: 8, height: 4 });
});

Deno.test("openCub: what is missing or contradicts is named, by file and line", async () => {
  const remove = (file: string) => (root: string) => Deno.remove(join(root, file));
  const edit = (file: string, from: string, to: string) => async (root: string) => {
    const text = await Deno.readTextFile(join(root, file));
    assert.ok(text.includes(from), file);
    await Deno.writeTextFile(join(root, file), text.replace(from, to));
  };
  const cases: [damage: (root: string) => Promise<void>, message: RegExp][] = [
    [remove("classes.txt"), /\/classes\.txt: wanted a file of lines <class> <name>, found none$/],
    [remove("images.txt"), /\/images\.txt: wanted a file of lines <image> <class folder>\/<file>/],
    [remove("image_class_labels.txt"), /\/image_class_labels\.txt: wanted a file .*, found none$/],
    [remove("train_test_split.txt"), /\/train_test_split\.txt: wanted a file of .*, found none$/],
    [remove("bounding_boxes.txt"), /\/bounding_boxes\.txt: wanted a file of .*, found none$/],
    [
      remove("images/002.Bird_2/Bird_2_0000_796004.jpg"),
      /Bird_2_0000_796004\.jpg: wanted the image that line 4 of .*images\.txt names, found none$/,
    ],
    [
      edit("images.txt", "2 001", "two 001"),
      /images\.txt: line 2 must be <image> <class folder>\/<file>, found "two 001/,
    ],
    [
      edit("images.txt", "\n2 001", "\n1 001"),
      /images\.txt: line 2 must be the only one of 1, found line 1 too/,
    ],
    [
      edit("images.txt", "Bird_1_0001_796002", "Bird_1_0000_796001"),
      /line 2 must be the only one of 001\.Bird_1\/Bird_1_0000_796001\.jpg, found line 1 too$/,
    ],
    [
      edit("image_class_labels.txt", "\n4 2", "\n4 7"),
      /image_class_labels\.txt: line 4 must be of a class of classes\.txt, found 7$/,
    ],
    [
      edit("train_test_split.txt", "\n4 1", "\n4 2"),
      /train_test_split\.txt: line 4 must be <image> <1 for training, .*, found "4 2"$/,
    ],
    [
      edit("train_test_split.txt", "\n4 1", ""),
      /train_test_split\.txt: wanted a line of image 4, found none$/,
    ],
    [
      edit("bounding_boxes.txt", "\n4 ", "\n44 "),
      /bounding_boxes\.txt: line 4 must be of an image of images\.txt, found 44$/,
    ],
    [
      edit("bounding_boxes.txt", "1 10.0 5.0 47.0", "1 10.0 5.0 0.0"),
      /bounding_boxes\.txt: line 1 must be a box with a width and a height, found 0 x 53$/,
    ],
    [
      (root) => Deno.writeTextFile(join(root, "bounding_boxes.txt"), "\n"),
      /bounding_boxes\.txt: wanted lines <image> <x> <y> <width> <height>, found none$/,
    ],
  ];
  await using whole = await tempFolder();
  await drawCub(whole.path, SMALL);
  const lists = (await Array.fromAsync(Deno.readDir(whole.path))).filter(({ isFile }) => isFile);
  const jpeg = "images/002.Bird_2/Bird_2_0000_796004.jpg";
  for (const [damage, message] of cases) {
    const kept = new Map<string, Uint8Array>();
    for (const name of [...lists.map(({ name }) => name), jpeg]) {
      kept.set(name, await Deno.readFile(join(whole.path, name)));
    }
    await damage(whole.path);
    await assert.rejects(openImages(whole.path), message);
    for (const [name, bytes] of kept) await Deno.writeFile(join(whole.path, name), bytes);
  }
  const split = join(whole.path, "train_test_split.txt");
  await Deno.writeTextFile(split, (await Deno.readTextFile(split)).replaceAll(/ 0$/gm, " 1"));
  await assert.rejects(
    openImages(whole.path),
    /wanted images for training and for testing, found 9 and 0$/,
  );
});
