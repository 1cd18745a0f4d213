import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { DecodePool } from "../../data/loader/decode_pool.ts";
import { ImageLoader } from "../../data/loader/image_loader.ts";
import { openImages } from "../../data/open_images.ts";
import type { TrainingCrop } from "../../data/pictures/view.ts";
import { type Share, stepsPerEpoch } from "../../lib/train/batches.ts";
import type { StreamedSettings } from "../../lib/train/settings/streamed_settings.ts";
import { UsageError } from "../command_line/flags.ts";
import { readPath } from "../command_line/paths.ts";
import type { OpenedImages } from "./run_task.ts";
import { say } from "../command_line/screen.ts";

/** Where the images of a run lie, and what training sees of them. */
export interface Images {
  /** The flag that names the folder. */
  readonly flag: string;
  /** The folder; `~` is the home folder. */
  readonly folder: string;
  /** What training sees of a picture. */
  readonly crop: TrainingCrop;
}

/**
 * Opens images, says what of their folder is left out, and starts the workers that decode them. The list of a folder is
 * kept in the folder of runs, if that is there and can be written to.
 *
 * @param images Where they are.
 * @param settings How they are decoded.
 * @param options.mayWrite Whether a new list is kept.
 * @param options.share The part of each batch that is decoded.
 * @throws {UsageError} If no folder is named.
 * @throws {Error} If it cannot be read as one of images.
 */
export async function openStreamed(
  { flag, folder, crop }: Images,
  settings: Readonly<StreamedSettings>,
  { mayWrite, share }: { mayWrite: boolean; share?: Share | undefined },
): Promise<OpenedImages> {
  const { logs, nthread, image_size: size, batch_size, accumulate, seed, on_bad } = settings;
  if (folder === "") {
    throw new UsageError(`Cannot open images: wanted --${flag} with a folder of them, found none`);
  }
  // A relative path, or one with ~, stands in the config.json of older versions: those counted from the project's root.
  const root = readPath(folder, flag, { from: Deno.cwd() });
  const digest = createHash("sha256").update(root).digest("hex").slice(0, 8);
  const listing = join(logs, `images-${basename(root)}-${digest}.json`);
  const { train, val } = await openImages(root, {
    cache: listing,
    writesCache: mayWrite,
    onNote: say,
  });
  const pool = new DecodePool({ workers: nthread });
  // An evaluation may be told a size that the run's number of batches does not divide.
  const batchSize = Math.ceil(batch_size / accumulate);
  const common = { pool, size, batchSize, seed, share, onBad: on_bad } as const;
  const perEpoch = stepsPerEpoch({ count: train.count, batchSize, shuffle: true });
  const steps = settings.epochs * perEpoch;
  const sources = {
    train: new ImageLoader(train, { ...common, training: true, crop, steps }),
    test: new ImageLoader(val, { ...common, training: false }),
  };
  const data = {
    name: basename(root),
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
