import { join, resolve } from "node:path";
import { orderOf } from "../../lib/train/batches.ts";
import { writeFileAtomic } from "../../lib/weights/write_file.ts";
import { exists } from "../exists.ts";
import type { ImageFiles, ImageList } from "../image_list.ts";
import { WorkerPool } from "../loader/worker_pool.ts";
import { shownPath } from "../reason_of.ts";
import { type Manifest, parseManifest, shardName, SPLITS } from "./manifest.ts";
import type { PackReply, PackRequest } from "./pack_messages.ts";
import { preparePlace } from "./pack_place.ts";
import { type Parcel, verifyShard, writeShard } from "./shard.ts";

/** How images are packed. */
export interface PackOptions {
  /** The folder of the pack, outside that of the images: new, empty, or with a pack of them. */
  readonly out: string;
  /** The shorter side of the packed images. Default: 256. */
  readonly size?: number;
  /** Whether pixels are stored in place of JPEG files. */
  readonly raw?: boolean;
  /** The quality of JPEG files. Default: 95. */
  readonly quality?: number;
  /** The images of a shard. Default: 1024. */
  readonly shardImages?: number;
  /** The workers. Default: one for each processor. */
  readonly workers?: number;
  /** What happens where an image cannot be decoded: an error, or it is left out. */
  readonly onBad?: "error" | "skip";
  /** Is told of each finished shard. */
  readonly onShard?: (done: PackProgress) => void;
  /** Stops between two images. */
  readonly signal?: AbortSignal;
}

/** How far packing has come. */
export interface PackProgress {
  /** The shard's file. */
  readonly file: string;
  /** Whether an earlier run had made it. */
  readonly isKept: boolean;
  /** Shards done, this one included. */
  readonly done: number;
  /** Shards in all. */
  readonly total: number;
}

/** What packing came to. */
export interface PackResult {
  /** The images that are in the pack. */
  readonly images: number;
  /** The images left out in this run, with what is wrong with each. */
  readonly skipped: ReadonlyMap<string, string>;
}

/**
 * Packs images: cuts each to its box if it has one, resizes the shorter side and writes many to a file. Training images
 * are stored in random order, so that neighbours are of different classes. A pack broken off goes on where it was:
 * finished shards are checked and kept.
 *
 * @param images What is packed.
 * @param options How and where to.
 * @throws {Error} If an image cannot be decoded, the images are a pack already, or the folder lies among them or holds
 * something else.
 */
export async function packImages(images: ImageFiles, options: PackOptions): Promise<PackResult> {
  const { out, size = 256, raw = false, quality = 95, shardImages = 1024 } = options;
  const { path, span } = images.train.place(0);
  if (span !== null) {
    throw new Error(`Cannot pack images: wanted files of their own, found those of ${path}`);
  }
  const manifest: Manifest = {
    format: "pupil-pack-1",
    size,
    encoding: raw ? "raw" : "jpeg",
    quality,
    classes: images.train.classes,
    shardImages,
    shards: {
      train: Math.ceil(images.train.count / shardImages),
      val: Math.ceil(images.val.count / shardImages),
    },
    source: await digest(images),
    isFinished: false,
  };
  await begin(images, { out, manifest });
  using pool = new WorkerPool<PackRequest, PackReply>(
    () => new Worker(new URL("./pack_worker.ts", import.meta.url), { type: "module" }),
    { workers: options.workers },
  );
  const skipped = new Map<string, string>();
  const total = manifest.shards.train + manifest.shards.val;
  let [done, packed] = [0, 0];
  for (const split of SPLITS) {
    const list = images[split];
    const order = orderOf(0, { count: list.count, shuffle: split === "train", seed: 0 });
    for (let shard = 0; shard < manifest.shards[split]; shard++) {
      const path = join(out, shardName(split, shard));
      const kept = await keptImages(path);
      const indices = order.subarray(shard * shardImages, (shard + 1) * shardImages);
      const source = { list, indices, skipped };
      const parcels = () => parcelsOf(source, { pool, manifest, options });
      packed += kept ?? await writeShard(path, parcels(), { most: shardImages });
      options.onShard?.({ file: path, isKept: kept !== null, done: ++done, total });
    }
  }
  await writeManifest(out, { ...manifest, isFinished: true });
  return { images: packed, skipped };
}

async function digest({ train, val }: ImageFiles): Promise<string> {
  const names = [train, val].map((list) =>
    Array.from({ length: list.count }, (_, index) => {
      const { path, box } = list.place(index);
      return box === null ? resolve(path) : [resolve(path), box];
    })
  );
  const bytes = new TextEncoder().encode(JSON.stringify(names));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

async function begin(
  images: ImageFiles,
  { out, manifest }: { out: string; manifest: Manifest },
): Promise<void> {
  if (!await preparePlace(out, images)) return await writeManifest(out, manifest);
  const path = join(out, "pack.json");
  const found = parseManifest(await Deno.readTextFile(path), path);
  const differs = (["size", "encoding", "quality", "shardImages"] as const)
    .find((key) => found[key] !== manifest[key]);
  if (differs !== undefined) {
    throw new Error(
      `Cannot pack into ${out}: it holds a pack of ${differs} ${found[differs]}, wanted ${
        manifest[differs]
      }`,
    );
  }
  if (found.source !== manifest.source) {
    throw new Error(
      `Cannot pack into ${out}: it must hold a pack of the images of ${images.root}, found one of others`,
    );
  }
}

async function writeManifest(out: string, manifest: Manifest): Promise<void> {
  await writeFileAtomic(join(out, "pack.json"), `${JSON.stringify(manifest)}\n`);
}

/** The images of a shard that an earlier run has finished, `null` where it must be made. */
async function keptImages(path: string): Promise<number | null> {
  if (!await exists(path)) return null;
  try {
    return (await verifyShard(path)).length;
  } catch {
    return null;
  }
}

interface Source {
  readonly list: ImageList;
  readonly indices: Uint32Array;
  readonly skipped: Map<string, string>;
}

async function* parcelsOf(
  { list, indices, skipped }: Source,
  { pool, manifest, options }: {
    pool: WorkerPool<PackRequest, PackReply>;
    manifest: Manifest;
    options: PackOptions;
  },
): AsyncGenerator<Parcel> {
  const { size, encoding } = manifest;
  const quality = encoding === "raw" ? null : manifest.quality;
  const ahead: { index: number; reply: Promise<PackReply> }[] = [];
  let asked = 0;
  while (asked < indices.length || ahead.length > 0) {
    while (asked < indices.length && ahead.length < 4 * pool.workers) {
      const index = indices[asked++] ?? 0;
      const reply = pool.run({ place: list.place(index), size, quality });
      reply.catch(() => {});
      ahead.push({ index, reply });
    }
    options.signal?.throwIfAborted();
    const first = ahead.shift();
    if (first === undefined) return;
    const reply = await first.reply;
    if ("reason" in reply) {
      const path = shownPath(list.place(first.index).path);
      if (options.onBad !== "skip") throw new Error(`Cannot decode ${path}: ${reply.reason}`);
      skipped.set(path, reply.reason);
      continue;
    }
    const { bytes, width, height } = reply;
    const label = list.labels[first.index] ?? 0;
    yield { label, bytes, raw: encoding === "raw" ? { width, height } : null };
  }
}
