import { join } from "node:path";
import { exists } from "./exists.ts";
import { FileList } from "./file_list.ts";
import type { ImageFiles } from "./image_list.ts";
import { LinedList, type ListLine } from "./lined_list.ts";
import type { Box } from "./pictures/view.ts";

/** The folder that the archive of CUB-200-2011 unpacks to. */
const FOLDER = "CUB_200_2011";

const DECIMAL = "(-?\\d+(?:\\.\\d*)?)";

/** The lists of CUB-200-2011; a line begins with the number of an image, in the first with that of a class. */
const FORMS = {
  "classes.txt": { wanted: "<class> <name>", pattern: /^(\d+)\s+(\S.*)$/ },
  "images.txt": { wanted: "<image> <class folder>/<file>", pattern: /^(\d+)\s+([^/]+\/[^/]+)$/ },
  "image_class_labels.txt": { wanted: "<image> <class>", pattern: /^(\d+)\s+(\d+)$/ },
  "train_test_split.txt": {
    wanted: "<image> <1 for training, 0 for testing>",
    pattern: /^(\d+)\s+([01])$/,
  },
  "bounding_boxes.txt": {
    wanted: "<image> <x> <y> <width> <height>",
    pattern: new RegExp(`^(\\d+)\\s+${DECIMAL}\\s+${DECIMAL}\\s+${DECIMAL}\\s+${DECIMAL}$`),
  },
} as const;

/**
 * Lists {@link https://www.vision.caltech.edu/datasets/cub_200_2011/ | CUB-200-2011} in its own layout: the folder
 * `images` beside `classes.txt`, `images.txt`, `image_class_labels.txt`, `train_test_split.txt` and
 * `bounding_boxes.txt`. Images come in the order of `images.txt`, classes in that of `classes.txt`; those to test on
 * are those to validate on. Each picture is cut to its bounding box: to the pixels that the box touches.
 *
 * @param root The folder `CUB_200_2011`, or the one that it lies in.
 * @throws {Error} If a list or an image is missing, a line is of another form, or lists contradict each other; the
 * message names the file and the line.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * await assert.rejects(openCub("no/folder"), /classes\.txt: wanted a file of lines <class> <name>/);
 * ```
 */
export async function openCub(root: string): Promise<ImageFiles> {
  const inner = join(root, FOLDER);
  const folder = await exists(inner) ? inner : root;
  const read = (name: keyof typeof FORMS) => LinedList.read(join(folder, name), FORMS[name]);
  const classes = await read("classes.txt");
  const images = await read("images.txt");
  images.by(fileOf);
  const alongside = async (name: keyof typeof FORMS) => linesFor(images, await read(name));
  const labels = labelsOf(await alongside("image_class_labels.txt"), classes);
  const splits = (await alongside("train_test_split.txt")).lines.map(({ fields }) => fields[1]);
  const boxes = boxesOf(await alongside("bounding_boxes.txt"));
  await images.checkFiles(join(folder, "images"), fileOf);
  const listOf = (split: string) => {
    const isOne = (_: unknown, at: number) => splits[at] === split;
    return new FileList(join(folder, "images"), {
      classes: classes.lines.map(({ fields: [, name = ""] }) => name),
      files: images.lines.filter(isOne).map(fileOf),
      labels: labels.filter(isOne),
      boxes: boxes.filter(isOne),
    });
  };
  const [train, val] = [listOf("1"), listOf("0")];
  if (train.count > 0 && val.count > 0) return { root, train, val };
  throw new Error(
    `Cannot read ${
      join(folder, "train_test_split.txt")
    }: wanted images for training and for testing, found ${train.count} and ${val.count}`,
  );
}

/** The number of a line's image or class, without leading zeros. */
function numberOf({ fields: [number] }: ListLine): string {
  return String(Number(number));
}

function fileOf({ fields: [, file = ""] }: ListLine): string {
  return file;
}

/** A list with the lines in the order of the images: one for each of them, and no other. */
function linesFor(images: LinedList, list: LinedList): LinedList {
  const [known, lines] = [images.by(numberOf), list.by(numberOf)];
  for (const [image, { number }] of lines) {
    if (!known.has(image)) list.refuse(number, `of an image of ${images.name}`, image);
  }
  const missing = [...known.keys()].find((image) => !lines.has(image));
  if (missing !== undefined) {
    throw new Error(`Cannot read ${list.path}: wanted a line of image ${missing}, found none`);
  }
  return list.withLines([...known.keys()].flatMap((image) => lines.get(image) ?? []));
}

function labelsOf(list: LinedList, classes: LinedList): number[] {
  const numbers = [...classes.by(numberOf).keys()];
  return list.lines.map(({ number, fields: [, text] }) => {
    const label = numbers.indexOf(String(Number(text)));
    return label < 0 ? list.refuse(number, `of a class of ${classes.name}`, String(text)) : label;
  });
}

function boxesOf(list: LinedList): Box[] {
  return list.lines.map(({ number, fields }) => {
    const [x = NaN, y = NaN, width = NaN, height = NaN] = fields.slice(1).map(Number);
    if (width <= 0 || height <= 0) {
      list.refuse(number, "a box with a width and a height", `${width} x ${height}`);
    }
    const [left, top] = [Math.floor(x), Math.floor(y)];
    return { left, top, width: Math.ceil(x + width) - left, height: Math.ceil(y + height) - top };
  });
}
