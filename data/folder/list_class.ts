import { join } from "node:path";
import { byCodePoints } from "../by_code_points.ts";
import { isNotThere } from "../exists.ts";
import type { ListedClass, ListedFolder } from "./folder_listing.ts";
import { isWithin } from "../is_within.ts";
import { type LeftOut, leftOut, sumUp, type Why } from "./left_out.ts";

/** torchvision's extensions, and GIF's. */
const IMAGE = /\.(?:jpe?g|png|ppm|bmp|pgm|tiff?|webp|gif)$/i;
/** What is found otherwise without a change of the folder that it lies in. */
const PASSING: readonly Why[] = ["dangling", "loop", "unreadable"];
/** A folder that has just been changed may be changed again within the same tick of the file system's clock. */
const SETTLING_MS = 2000;
const NEVER = -1;

/** Something in a folder. */
export interface Entry {
  /** Its name. */
  readonly name: string;
  /** What it is, links followed, or why it cannot be used. */
  readonly kind: "file" | "folder" | Why;
  /** Whether it is a link. */
  readonly isLink: boolean;
  /** Whether it is a folder, whether it can be used or not. */
  readonly isFolder: boolean;
}

/**
 * Lists a folder, sorted by name, by code points as Python sorts.
 *
 * @param folder The folder.
 * @throws {Error} What the system says, if it cannot be read.
 */
export async function entriesOf(folder: string): Promise<Entry[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  entries.sort((a, b) => byCodePoints(a.name, b.name));
  return await Promise.all(entries.map(async (entry) => ({
    name: entry.name,
    kind: await kindOf(join(folder, entry.name), entry),
    isLink: entry.isSymlink,
    isFolder: entry.isDirectory,
  })));
}

async function kindOf(
  path: string,
  { name, isFile, isDirectory, isSymlink }: Deno.DirEntry,
): Promise<Entry["kind"]> {
  if (name.startsWith(".")) return "hidden";
  // Deno shows what is not UTF-8 in a name as U+FFFD, and finds nothing under the name so changed.
  if (name.includes("\uFFFD") && !await Deno.lstat(path).then(() => true, () => false)) {
    return "name";
  }
  try {
    const found = isSymlink ? await Deno.stat(path) : { isFile, isDirectory };
    if (found.isDirectory) return "folder";
    return found.isFile ? "file" : "other";
  } catch (error) {
    if (isNotThere(error)) return "dangling";
    return error instanceof Deno.errors.FilesystemLoop ? "loop" : "unreadable";
  }
}

/** Which class is listed. */
export interface ClassPlace {
  /** The folder of the data set. */
  readonly root: string;
  /** The folder of the class's split, from there. */
  readonly split: string;
  /** The class. */
  readonly name: string;
}

interface Folder {
  /** The folder, from that of the split. */
  readonly path: string;
  /** The folder, links resolved. */
  readonly real: string;
  /** The folders that it was reached through, links resolved. */
  readonly around: readonly string[];
}

/**
 * Lists the images of a class as torchvision's ImageFolder finds them: in its folder and in all folders in it, links
 * followed, but for a link to a folder that it lies in.
 *
 * @param place The class.
 * @returns Its images and what is left out; no folder where the class's own is a link that leads in a circle.
 * @throws {Error} What the system says, if the class's own folder cannot be read.
 */
export async function listClass({ root, split, name }: ClassPlace): Promise<ListedClass> {
  const folders: ListedFolder[] = [];
  const parts: LeftOut[] = [];
  const visit = async ({ path, real, around }: Folder) => {
    const folder = join(root, split, path);
    const changed = await changedAt(folder);
    const files: string[] = [];
    const inner: Entry[] = [];
    for (const entry of await entriesOf(folder)) {
      const isImage = entry.kind === "file" && IMAGE.test(entry.name);
      if (isImage) files.push(entry.name);
      else if (entry.kind === "folder") inner.push(entry);
      else {
        const why = entry.kind === "file" ? "other" : entry.kind;
        parts.push(leftOut(why, join(split, path, entry.name)));
      }
    }
    folders.push({ path, changed, files });
    for (const { name, isLink } of inner) {
      const below = { path: join(path, name), real: join(real, name), around: [...around, real] };
      try {
        await enter(below, isLink);
      } catch {
        parts.push(leftOut("unreadable", join(split, below.path)));
      }
    }
  };
  const enter = async (folder: Folder, isLink: boolean) => {
    if (!isLink) return await visit(folder);
    const real = await Deno.realPath(join(root, split, folder.path));
    const isLoop = folder.around.some((outer) => isWithin(outer, real));
    if (isLoop) parts.push(leftOut("loop", join(split, folder.path)));
    else await visit({ ...folder, real });
  };
  const [outer, above] = [await Deno.realPath(root), await Deno.realPath(join(root, split))];
  await enter({ path: name, real: "", around: [outer, above] }, true);
  folders.sort((a, b) => byCodePoints(a.path, b.path));
  const isLasting = !parts.some(({ why }) => PASSING.includes(why));
  const settled = (changed: number) => isLasting && Date.now() - changed > SETTLING_MS;
  return {
    name,
    folders: folders.map((folder) =>
      settled(folder.changed) ? folder : { ...folder, changed: NEVER }
    ),
    leftOut: sumUp(parts),
  };
}

/**
 * Tells whether the folders of a class are as they were when it was listed.
 *
 * @param folder The folder of the class's split.
 * @param listed The class.
 */
export async function isUnchanged(folder: string, { folders }: ListedClass): Promise<boolean> {
  for (const { path, changed } of folders) {
    if (changed === NEVER) return false;
    if (await changedAt(join(folder, path)).catch(() => NEVER) !== changed) return false;
  }
  return true;
}

async function changedAt(folder: string): Promise<number> {
  return (await Deno.stat(folder)).mtime?.getTime() ?? Date.now();
}
