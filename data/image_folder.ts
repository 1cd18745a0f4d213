import { join, resolve } from "node:path";
import { writeFileAtomic } from "../lib/weights/write_file.ts";
import { foundAt } from "./exists.ts";
import { FileList } from "./file_list.ts";
import { type ListedClass, type Listing, parseListing } from "./folder/folder_listing.ts";
import type { ImageFiles } from "./image_list.ts";
import { type LeftOut, leftOut, someOf, tellLeftOut } from "./folder/left_out.ts";
import { entriesOf, type Entry, isUnchanged, listClass } from "./folder/list_class.ts";
import { reasonOf, shownPath } from "./reason_of.ts";

/** How {@link openImageFolder} remembers what it found, and whom it tells. */
export interface ImageFolderOptions {
  /**
   * A JSON file that keeps the list, `null` for none. It is used as long as the folder has not changed since. One that
   * cannot be read or written is done without.
   */
  readonly cache?: string | null;
  /** Whether a list that is new is written there. Default: true. */
  readonly writesCache?: boolean;
  /** Told, in a line each, what in the folder is left out, and which classes have no image to validate on. */
  readonly onNote?: (note: string) => void;
}

/**
 * Lists a folder of images as fb.resnet.torch lays them out: `train/<class>/<image>` and `val/<class>/<image>`. As
 * torchvision's ImageFolder does, it follows links, finds images in folders of a class's folder too, takes for an image
 * what has the extension of one, and sorts by name, by code points. Hidden names, links that lead nowhere or in a
 * circle, folders in a class's that cannot be read and names that are not UTF-8, which Deno cannot open, are left out.
 *
 * A cached list is trusted if the classes are the same and no folder of images has been changed since, that is no file
 * has been added, removed or renamed; a file replaced in place is read as it is then.
 *
 * @param root The folder.
 * @param options Where the list is kept, and who is told what is left out.
 * @throws {Error} If a folder is missing, a class has no image, or validation has a class that training lacks.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const root = await Deno.makeTempDir();
 * for (const file of ["train/dog/1.JPEG", "train/cat/2.png", "val/cat/3.jpg", "val/dog/more/4.jpg"]) {
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
  { cache = null, writesCache = true, onNote = () => {} }: ImageFolderOptions = {},
): Promise<ImageFiles> {
  const owner = resolve(root);
  const cached = cache === null ? null : await readListing(cache, owner);
  const [train, val] = await Promise.all([
    listSplit(root, "train", cached?.train),
    listSplit(root, "val", cached?.val),
  ]);
  const classes = train.listed.map(({ name }) => name);
  const labels = new Map(classes.map((name, label) => [name, label]));
  const stranger = val.listed.find(({ name }) => !labels.has(name));
  if (stranger !== undefined) {
    throw new Error(
      `Cannot read ${root}: every class of val must be in train, found ${
        shownPath(stranger.name)
      } in val alone`,
    );
  }
  const isNew = !isSame(train.listed, cached?.train) || !isSame(val.listed, cached?.val);
  if (cache !== null && writesCache && isNew) {
    const text = JSON.stringify({ root: owner, train: train.listed, val: val.listed });
    await writeFileAtomic(cache, text).catch(() => {});
  }
  const omitted = tellLeftOut([...train.leftOut, ...val.leftOut]);
  if (omitted !== null) onNote(omitted);
  const tested = new Set(val.listed.map(({ name }) => name));
  const untested = classes.filter((name) => !tested.has(name));
  if (untested.length > 0) {
    onNote(
      `no images to validate on: ${untested.length} of ${classes.length} classes (${
        someOf(untested)
      })`,
    );
  }
  const listOf = (split: string, listed: readonly ListedClass[]) =>
    new FileList(join(root, split), {
      classes,
      files: listed.flatMap(({ folders }) =>
        folders.flatMap(({ path, files }) => files.map((file) => join(path, file)))
      ),
      labels: listed.flatMap((one) => Array(imagesOf(one)).fill(labels.get(one.name) ?? 0)),
    });
  return { root, train: listOf("train", train.listed), val: listOf("val", val.listed) };
}

async function readListing(path: string, root: string): Promise<Listing | null> {
  const text = await Deno.readTextFile(path).catch(() => null);
  return text === null ? null : parseListing(text, root);
}

interface Split {
  readonly listed: readonly ListedClass[];
  readonly leftOut: readonly LeftOut[];
}

async function listSplit(
  root: string,
  split: string,
  cached: readonly ListedClass[] = [],
): Promise<Split> {
  const folder = join(root, split);
  const wanted = `folders ${split}/<class>/<image>`;
  const entries = await entriesIn(folder, wanted);
  const isUnnamed = ({ kind, isFolder }: Entry) => kind === "name" && isFolder;
  const unnamed = entries.find(isUnnamed);
  if (unnamed !== undefined) {
    throw new Error(
      `Cannot read ${folder}: the name of every class must be UTF-8, found ${unnamed.name}`,
    );
  }
  const kept = new Map(cached.map((listed) => [listed.name, listed]));
  const listed: ListedClass[] = [];
  const parts: LeftOut[] = [];
  for (const { name, kind } of entries) {
    if (kind !== "folder") {
      parts.push(leftOut(kind === "file" || kind === "other" ? "beside" : kind, join(split, name)));
      continue;
    }
    const known = kept.get(name);
    const one = known !== undefined && await isUnchanged(folder, known)
      ? known
      : await listAnew(root, split, name);
    if (one.folders.length > 0) listed.push(one);
    parts.push(...one.leftOut);
  }
  if (listed.length > 0) return { listed, leftOut: parts };
  throw new Error(`Cannot read ${folder}: wanted ${wanted}, found no folder${tail(parts)}`);
}

/** Lists a class, which has no folder where its name is a link that leads in a circle. */
async function listAnew(root: string, split: string, name: string): Promise<ListedClass> {
  const path = shownPath(join(root, split, name));
  try {
    const listed = await listClass({ root, split, name });
    if (listed.folders.length === 0 || imagesOf(listed) > 0) return listed;
    throw new Error(`wanted images, found none${tail(listed.leftOut)}`);
  } catch (error) {
    throw new Error(`Cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function tail(parts: readonly LeftOut[]): string {
  const omitted = tellLeftOut(parts);
  return omitted === null ? "" : `; ${omitted}`;
}

function imagesOf({ folders }: ListedClass): number {
  return folders.reduce((sum, { files }) => sum + files.length, 0);
}

function isSame(classes: readonly ListedClass[], cached: readonly ListedClass[] = []): boolean {
  return classes.length === cached.length && classes.every((listed, at) => listed === cached[at]);
}

async function entriesIn(folder: string, wanted: string): Promise<Entry[]> {
  try {
    return await entriesOf(folder);
  } catch (error) {
    const found = await foundAt(folder, error);
    throw new Error(`Cannot read ${folder}: wanted a folder of ${wanted}, found ${found}`, {
      cause: error,
    });
  }
}
