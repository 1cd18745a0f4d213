import { join } from "node:path";
import { byCodePoints } from "./by_code_points.ts";
import { FileList } from "./file_list.ts";
import type { ImageFiles } from "./image_list.ts";
import { LinedList, type ListLine } from "./lined_list.ts";

const LISTS = ["TrainImages.txt", "TestImages.txt"] as const;
const FORM = { wanted: "<class>/<file>", pattern: /^([^/]+)\/([^/]+)$/ };

/**
 * Lists {@link https://web.mit.edu/torralba/www/indoor.html | MIT Indoor 67 Scenes} in its own layout: the folder
 * `Images` with one of each class, beside `TrainImages.txt` and `TestImages.txt`. Images come in the order of the
 * lists, classes, any number of them, are sorted by name; those to test on are those to validate on.
 *
 * @param root The folder.
 * @throws {Error} If a list or an image is missing, a line is of another form, an image is listed twice, or a class has
 * no image to train on; the message names the file and the line.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * await assert.rejects(openScenes("no/folder"), /TrainImages\.txt: wanted a file of lines <class>\/<file>/);
 * ```
 */
export async function openScenes(root: string): Promise<ImageFiles> {
  const folder = join(root, "Images");
  const [train, test] = [
    await LinedList.read(join(root, LISTS[0]), FORM),
    await LinedList.read(join(root, LISTS[1]), FORM),
  ];
  const trained = train.by(fileOf);
  for (const [file, { number }] of test.by(fileOf)) {
    const twin = trained.get(file);
    if (twin !== undefined) {
      test.refuse(number, "an image to test on", `${file}, line ${twin.number} of ${train.name}`);
    }
  }
  const classes = [...new Set(train.lines.map(classOf))].sort(byCodePoints);
  for (const line of test.lines) {
    if (classes.includes(classOf(line))) continue;
    test.refuse(line.number, `of a class of ${train.name}`, classOf(line));
  }
  const listOf = async (list: LinedList) => {
    await list.checkFiles(folder, fileOf);
    return new FileList(folder, {
      classes,
      files: list.lines.map(fileOf),
      labels: list.lines.map((line) => classes.indexOf(classOf(line))),
    });
  };
  return { root, train: await listOf(train), val: await listOf(test) };
}

function classOf({ fields: [name = ""] }: ListLine): string {
  return name;
}

function fileOf({ fields: [name = "", file = ""] }: ListLine): string {
  return join(name, file);
}
