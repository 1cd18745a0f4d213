import assert from "node:assert/strict";
import { join } from "node:path";
import { openImages } from "../../data/open_images.ts";
import { openScenes } from "../../data/scenes.ts";
import { drawScenes } from "../support/known_sets.ts";
import { tempFolder } from "../support/temp_folder.ts";

const SMALL = { classes: 3, train: 2, test: 1 };

Deno.test("openScenes: images in the order of the lists, classes by name", async () => {
  await using root = await tempFolder();
  await drawScenes(root.path, SMALL);
  const { train, val } = await openScenes(root.path);
  assert.deepEqual(train.classes, ["scene_0", "scene_1", "scene_2"]);
  assert.deepEqual([[...train.labels], [...val.labels]], [[2, 2, 1, 1, 0, 0], [2, 1, 0]]);
  assert.deepEqual(train.place(3), {
    path: join(root.path, "Images/scene_1/photo 1.jpg"),
    span: null,
    box: null,
  });
  assert.equal(val.place(0).path, join(root.path, "Images/scene_2/photo 2.jpg"));
  assert.deepEqual((await openImages(root.path)).val.place(2), val.place(2));
});

Deno.test("openScenes: what is missing or contradicts is named, by file and line", async () => {
  await using root = await tempFolder();
  await drawScenes(root.path, SMALL);
  const paths = ["TrainImages.txt", "TestImages.txt"].map((name) => join(root.path, name));
  const [train = "", test = ""] = await Promise.all(paths.map((path) => Deno.readTextFile(path)));
  const cases: [train: string | null, test: string | null, message: RegExp][] = [
    [null, test, /\/TrainImages\.txt: wanted a file of lines <class>\/<file>, found none$/],
    [train, null, /\/TestImages\.txt: wanted a file of lines <class>\/<file>, found none$/],
    ["", test, /\/TrainImages\.txt: wanted lines <class>\/<file>, found none$/],
    [`photo.jpg\n${train}`, test, /line 1 must be <class>\/<file>, found "photo\.jpg"$/],
    [
      `scene_0/none.jpg\n${train}`,
      test,
      /Images\/scene_0\/none\.jpg: wanted the image that line 1 of .*TrainImages\.txt names, found/,
    ],
    [
      `${train}\nscene_1/photo 1.jpg`,
      test,
      /TrainImages\.txt: line 7 must be the only one of scene_1\/photo 1\.jpg, found line 4 too$/,
    ],
    [
      train,
      `${test}\nscene_1/photo 1.jpg`,
      /TestImages\.txt: line 4 must be an image to test on, found scene_1\/photo 1\.jpg, line 4 of/,
    ],
    [
      train,
      `${test}\nattic/1.jpg`,
      /TestImages\.txt: line 4 must be of a class of TrainImages\.txt, found attic$/,
    ],
  ];
  await Deno.symlink("nowhere", join(root.path, "Images/scene_0/lost.jpg"));
  await Deno.symlink("turn.jpg", join(root.path, "Images/scene_0/turn.jpg"));
  cases.push(
    [
      `${train}\nscene_0/lost.jpg`,
      test,
      /lost\.jpg: wanted the image that line 7 of .*TrainImages\.txt names, found a link that leads/,
    ],
    [
      train,
      `scene_0/turn.jpg\n${test}`,
      /turn\.jpg: wanted the image that line 1 of .*TestImages\.txt names, found none that can be read \(Too many/,
    ],
  );
  for (const [trained, tested, message] of cases) {
    for (const [at, text] of [trained, tested].entries()) {
      const path = paths[at] ?? "";
      if (text === null) await Deno.remove(path);
      else await Deno.writeTextFile(path, text);
    }
    await assert.rejects(openImages(root.path), message);
  }
  await Deno.remove(paths[0] ?? "");
  await Deno.mkdir(paths[0] ?? "");
  await assert.rejects(openImages(root.path), /a file of lines .*, found a folder$/);
});
