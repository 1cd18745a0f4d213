import { join } from "node:path";
import { writeFileAtomic } from "../lib/weights/write_file.ts";
import { byCodePoints } from "./by_code_points.ts";
import { exists, isNotThere } from "./exists.ts";
import { FileList } from "./file_list.ts";
import { type ListedClass, parseListing } from "./folder_listing.ts";
import type { ImageFiles } from "./image_list.ts";

/** How {@link openImageFolder} remembers what it found. */
export interface ImageFolderOptions {
  /** A JSON file that keeps the list, `null` for none. It is used as long as the folder has not changed since. */
  readonly cache?: string | null;
}

/** A folder that has just been changed may be changed again within the same tick of the file system's clock. */
const SETTLING_MS = 2000;
const NEVER = -1;
const IMAGE = /\.(?:jpe?g|png|ppm|bmp|pgm|tiff?|webp)$/i;

/**
 * Lists a folder of images as fb.resnet.torch lays them out: `train/<class>/<image>` and `val/<class>/<image>`. Classes
 * and images are sorted by name, by code points as Python sorts; an image is what has torchvision's extensions.
 *
 * A cached list is trusted if the classes are the same and no class folder has been changed since, that is no file has
 * been added, removed or renamed; a file replaced in place is read as it is then.
 *
 * @param root The folder.
 * @param options Where the list is kept.
 * @throws {Error} If a folder is missing, a class has no image, or validation has a class that training lacks.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const root = await Deno.makeTempDir();
 * for (const file of ["train/dog/1.JPEG", "train/cat/2.png", "val/cat/3.jpg", "val/dog/4.jpg"]) {
 *   await Deno.mkdir(`${root}/${file.slice(0, file.lastIndexOf("/"))}`, { recursive: true });
 *   await Deno.writeTextFile(`${root}/${file}`, "");
 * }
 * const { train, val } = await openImageFolder(root);
 * assert.deepEqual([train.classes, train.count, [...val.labels]], [["cat", "dog"], 2, [0, 1]]);
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export async function openImageFolder(
  root: string,
  { cache = null }: ImageFolderOptions = {},
): Promise<ImageFiles> {
  const cached = cache !== null && await exists(cache)
    ? parseListing(await Deno.readTextFile(cache), root)
    : null;
  const [train, val] = await Promise.all([
    listSplit(root, "train", cached?.train),
    listSplit(root, "val", cached?.val),
  ]);
  const classes = train.map(({ name }) => name);
  const stranger = val.find(({ name }) => !classes.includes(name));
  if (stranger !== undefined) {
    throw new Error(
      `Cannot read ${root}: every class of val must be in train, found ${stranger.name} in val alone`,
    );
  }
  if (cache !== null && !(isSame(train, cached?.train) && isSame(val, cached?.val))) {
    await writeFileAtomic(cache, JSON.stringify({ root, train, val }));
  }
  const listOf = (split: string, listed: readonly ListedClass[]) =>
    new FileList(join(root, split), {
      classes,
      files: listed.flatMap(({ name, files }) => files.map((file) => join(name, file))),
      labels: listed.flatMap(({ name, files }) => files.map(() => classes.indexOf(name))),
    });
  return { train: listOf("train", train), val: listOf("val", val) };
}

async function listSplit(
  root: string,
  split: string,
  cached: readonly ListedClass[] = [],
): Promise<ListedClass[]> {
  const folder = join(root, split);
  const wanted = `${split}/<class>/<image>`;
  const entries = await entriesOf(folder, `folders ${wanted}`);
  const names = entries.filter(({ isFile }) => !isFile).map(({ name }) => name);
  const kept = new Map(cached.map((listed) => [listed.name, listed]));
  const classes: ListedClass[] = [];
  for (const name of names.filter((name) => !name.startsWith(".")).sort(byCodePoints)) {
    const path = join(folder, name);
    const changed = (await Deno.stat(path)).mtime?.getTime() ?? 0;
    const known = kept.get(name);
    if (known !== undefined && known.changed === changed) {
      classes.push(known);
      continue;
    }
    const files = (await entriesOf(path, "images")).filter(({ isFile }) => isFile)
      .map(({ name }) => name).filter((file) => IMAGE.test(file)).sort(byCodePoints);
    if (files.length === 0) throw new Error(`Cannot read ${path}: wanted images, found none`);
    const isSettled = Date.now() - changed > SETTLING_MS;
    classes.push({ name, changed: isSettled ? changed : NEVER, files });
  }
  if (classes.length === 0) {
    throw new Error(`Cannot read ${folder}: wanted folders ${wanted}, found no folder`);
  }
  return classes;
}

function isSame(classes: readonly ListedClass[], cached: readonly ListedClass[] = []): boolean {
  return classes.length === cached.length && classes.every((listed, at) => listed === cached[at]);
}

async function entriesOf(folder: string, wanted: string): Promise<EntryKind[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return await Promise.all(entries.map(async ({ name, isFile, isSymlink }) => ({
      name,
      isFile: isSymlink ? (await Deno.stat(join(folder, name))).isFile : isFile,
    })));
  } catch (error) {
    if (!isNotThere(error)) throw error;
    throw new Error(`Cannot read ${folder}: wanted a folder of ${wanted}, found none`, {
      cause: error,
    });
  }
}

interface EntryKind {
  readonly name: string;
  readonly isFile: boolean;
}
