import { join } from "node:path";
import type { ImageFiles, ImageList, ImagePlace } from "../image_list.ts";
import { type Manifest, parseManifest, shardName, type Split } from "./manifest.ts";
import { type Packed, readShardTable } from "./shard.ts";

/** Images that are read in one go: a few megabytes. */
const RUN = 64;

/**
 * Opens a pack that {@link packImages} has made.
 *
 * @param root The folder.
 * @throws {Error} If the pack is not finished, or a shard is missing or damaged: the message names the file and the
 * place.
 */
export async function openPack(root: string): Promise<ImageFiles> {
  const path = join(root, "pack.json");
  const manifest = parseManifest(await Deno.readTextFile(path), path);
  if (!manifest.isFinished) {
    throw new Error(
      `Cannot read ${root}: wanted a finished pack; pack the same images again to finish it`,
    );
  }
  return {
    root,
    train: await readSplit(root, "train", manifest),
    val: await readSplit(root, "val", manifest),
  };
}

async function readSplit(root: string, split: Split, manifest: Manifest): Promise<ImageList> {
  const { classes } = manifest;
  const shards: Shard[] = [];
  for (let shard = 0; shard < manifest.shards[split]; shard++) {
    const path = join(root, shardName(split, shard));
    const images = await readShardTable(path);
    const stranger = images.find(({ label }) => label >= classes.length);
    if (stranger !== undefined) {
      throw new Error(
        `Cannot read ${path}: the image at byte ${stranger.offset} must be of one of ${classes.length} classes, found ${stranger.label}`,
      );
    }
    shards.push({ path, images });
  }
  return new PackList(classes, shards);
}

interface Shard {
  readonly path: string;
  readonly images: readonly Packed[];
}

/** The images of one split, in the order in which they lie. */
class PackList implements ImageList {
  readonly run = RUN;
  readonly labels: Uint32Array;
  readonly #shardOf: Uint32Array;
  readonly #firsts: readonly number[];

  constructor(readonly classes: readonly string[], readonly shards: readonly Shard[]) {
    this.labels = Uint32Array.from(
      shards.flatMap(({ images }) => images.map(({ label }) => label)),
    );
    this.#shardOf = Uint32Array.from(shards.flatMap(({ images }, at) => images.map(() => at)));
    let first = 0;
    this.#firsts = shards.map(({ images }) => (first += images.length) - images.length);
  }

  get count(): number {
    return this.labels.length;
  }

  place(index: number): ImagePlace {
    const at = this.#shardOf[index] ?? 0;
    const shard = this.shards[at];
    const span = shard?.images[index - (this.#firsts[at] ?? 0)];
    if (shard === undefined || span === undefined) {
      throw new RangeError(`Cannot find image ${index}: the pack has ${this.count}`);
    }
    return { path: shard.path, span, box: null };
  }
}
