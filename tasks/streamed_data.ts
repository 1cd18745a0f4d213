import { createHash } from "node:crypto";
import { basename, join, resolve } from "node:path";
import { exists } from "../data/exists.ts";
import { DecodePool } from "../data/loader/decode_pool.ts";
import { ImageLoader } from "../data/loader/image_loader.ts";
import { openImages } from "../data/open_images.ts";
import type { TrainingCrop } from "../data/pictures/view.ts";
import { stepsPerEpoch } from "../lib/train/batches.ts";
import type { StreamedSet } from "../lib/train/image_set.ts";
import type { StreamedSettings } from "../lib/train/streamed_settings.ts";

/** Where the images of a run lie, and what training sees of them. */
export interface Images {
  /** The folder; `~` is the home folder. */
  readonly folder: string;
  /** What training sees of a picture. */
  readonly crop: TrainingCrop;
}

/** A set on disk, and the workers that decode it. */
export interface OpenedImages extends Disposable {
  /** The set. */
  readonly data: StreamedSet;
  /** Images left out so far, with what is wrong with each. */
  readonly skipped: ReadonlyMap<string, string>;
}

/**
 * Opens images and starts the workers that decode them. The list of a folder is kept in the folder of runs, if that is
 * there.
 *
 * @param images Where they are.
 * @param settings How they are decoded.
 * @throws {Error} If the folder cannot be read as one of images.
 */
export async function openStreamed(
  { folder, crop }: Images,
  settings: Readonly<StreamedSettings>,
): Promise<OpenedImages> {
  const { logs, nthread, image_size: size, batch_size, accumulate, seed, on_bad } = settings;
  const root = withHome(folder);
  const digest = createHash("sha256").update(resolve(root)).digest("hex").slice(0, 8);
  const listing = join(logs, `images-${basename(resolve(root))}-${digest}.json`);
  const { train, val } = await openImages(root, { cache: await exists(logs) ? listing : null });
  const pool = new DecodePool({ workers: nthread });
  const batchSize = batch_size / accumulate;
  const common = { pool, size, batchSize, seed, onBad: on_bad } as const;
  const perEpoch = stepsPerEpoch({ count: train.count, batchSize, shuffle: true });
  const steps = settings.epochs * perEpoch;
  const sources = {
    train: new ImageLoader(train, { ...common, training: true, crop, steps }),
    test: new ImageLoader(val, { ...common, training: false }),
  };
  const data = {
    name: basename(resolve(root)),
    classes: train.classes.length,
    augment: settings.augment === "full" ? "full" : "none",
    sources,
  } as const;
  return {
    data,
    get skipped() {
      return new Map([...sources.train.skipped, ...sources.test.skipped]);
    },
    [Symbol.dispose]: () => pool[Symbol.dispose](),
  };
}

function withHome(path: string): string {
  const home = path === "~" || path.startsWith("~/") ? Deno.env.get("HOME") : undefined;
  return home === undefined ? path : join(home, path.slice(1));
}
