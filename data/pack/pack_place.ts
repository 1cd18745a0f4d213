import { basename, dirname, join, resolve } from "node:path";
import { foundAt, isNotThere } from "../exists.ts";
import type { ImageFiles } from "../image_list.ts";
import { isWithin } from "../is_within.ts";
import { reasonOf } from "../reason_of.ts";
import { SPLITS } from "./manifest.ts";

/**
 * Makes the folder of a pack, unless it is there.
 *
 * @param out The folder.
 * @param images What is packed.
 * @returns Whether a pack is in it, finished or not.
 * @throws {Error} If it lies among the images, by whatever links, holds other files, or cannot be made.
 */
export async function preparePlace(out: string, images: ImageFiles): Promise<boolean> {
  const place = await realPathOf(out);
  for (const folder of foldersOf(images)) {
    if (!isWithin(place, await Deno.realPath(folder))) continue;
    throw new Error(
      `Cannot pack into ${out}: wanted a folder outside the images, found one in ${folder}`,
    );
  }
  try {
    await Deno.mkdir(out, { recursive: true });
    const names = await Array.fromAsync(Deno.readDir(out), ({ name }) => name);
    if (names.includes("pack.json")) return true;
    const other = names.sort().find((name) => !name.startsWith(".") && !name.endsWith(".part"));
    if (other === undefined) return false;
    throw new Error(`wanted an empty folder or an unfinished pack, found ${other} in it`);
  } catch (error) {
    const found = await foundAt(out);
    const isOther = found === "a file" || found.startsWith("a link");
    const reason = isOther ? `wanted a folder, found ${found}` : reasonOf(error);
    throw new Error(`Cannot pack into ${out}: ${reason}`, { cause: error });
  }
}

/** A path with its links resolved, as far as it is there. */
async function realPathOf(path: string): Promise<string> {
  const full = resolve(path);
  try {
    return await Deno.realPath(full);
  } catch (error) {
    if (!isNotThere(error) || full === dirname(full)) return full;
    return join(await realPathOf(dirname(full)), basename(full));
  }
}

/** The folders from that of the data set down to the images. */
function foldersOf(images: ImageFiles): ReadonlySet<string> {
  const root = resolve(images.root);
  const folders = new Set([root]);
  for (const list of SPLITS.map((split) => images[split])) {
    for (let index = 0; index < list.count; index++) {
      let folder = dirname(resolve(list.place(index).path));
      while (!folders.has(folder) && isWithin(folder, root)) {
        folders.add(folder);
        folder = dirname(folder);
      }
    }
  }
  return folders;
}
