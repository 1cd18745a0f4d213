import { openCub } from "./cub.ts";
import { foundAt } from "./exists.ts";
import { type ImageFolderOptions, openImageFolder } from "./image_folder.ts";
import type { ImageFiles } from "./image_list.ts";
import { openPack } from "./pack/read_pack.ts";
import { openScenes } from "./scenes.ts";

/** A way in which a data set lies on disk. */
interface Layout {
  /** What it is, in words. */
  readonly name: string;
  /** What it is known by: any of these is in the folder. */
  readonly marks: readonly string[];
  readonly open: (root: string, options: ImageFolderOptions) => Promise<ImageFiles>;
}

const LAYOUTS: readonly Layout[] = [
  { name: "a pack", marks: ["pack.json"], open: openPack },
  { name: "an image folder", marks: ["train", "val"], open: openImageFolder },
  {
    name: "CUB-200-2011",
    marks: [
      "images.txt",
      "CUB_200_2011",
      "image_class_labels.txt",
      "train_test_split.txt",
      "bounding_boxes.txt",
    ],
    open: openCub,
  },
  { name: "MIT Indoor 67", marks: ["TrainImages.txt", "TestImages.txt"], open: openScenes },
];

/**
 * Opens a data set on disk, told apart by what lies in the folder: a pack by `pack.json`, an image folder by `train` or
 * `val`, CUB-200-2011 by `images.txt` or another of its lists, MIT Indoor 67 by `TrainImages.txt` or `TestImages.txt`.
 *
 * @param root The folder.
 * @param options Where the list of an image folder is kept, and who is told what is left out.
 * @throws {Error} If it is none of them, or cannot be read as what it is.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * await assert.rejects(openImages("no/such/folder"), /wanted a folder with pack.json \(a pack\), .*, found none$/);
 * ```
 */
export async function openImages(
  root: string,
  options: ImageFolderOptions = {},
): Promise<ImageFiles> {
  const { names, found } = await look(root);
  const layout = LAYOUTS.find(({ marks }) => marks.some((mark) => names.has(mark)));
  if (layout !== undefined) return await layout.open(root, options);
  const looked = LAYOUTS.map(({ name, marks: [mark] }) => `${mark} (${name})`);
  const last = looked.pop();
  throw new Error(
    `Cannot read ${root}: wanted a folder with ${
      looked.join(", ")
    } or ${last} in it, found ${found}`,
  );
}

/** The names in a folder, and what to say was found where none of them is known. */
async function look(
  folder: string,
): Promise<{ names: ReadonlySet<string>; found: string }> {
  try {
    const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    return { names: new Set(names), found: "none of them" };
  } catch (error) {
    return { names: new Set(), found: await foundAt(folder, error) };
  }
}
