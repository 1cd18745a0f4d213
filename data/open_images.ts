import { join } from "node:path";
import { exists } from "./exists.ts";
import { type ImageFolderOptions, openImageFolder } from "./image_folder.ts";
import type { ImageFiles } from "./image_list.ts";
import { openPack } from "./pack/read_pack.ts";

/**
 * Opens a data set on disk: a pack where there is a `pack.json`, otherwise a folder of images.
 *
 * @param root The folder.
 * @param options Where the list of a folder is kept.
 * @throws {Error} If it cannot be read as what it is.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * await assert.rejects(openImages("no/such/folder"), /wanted a folder of folders train/);
 * ```
 */
export async function openImages(
  root: string,
  options: ImageFolderOptions = {},
): Promise<ImageFiles> {
  return await exists(join(root, "pack.json"))
    ? await openPack(root)
    : await openImageFolder(root, options);
}
