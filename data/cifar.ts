import { join } from "node:path";
import type { ImageSet } from "../lib/train/image_set.ts";
import { readPickles } from "./cifar_pickles.ts";
import { readRecords } from "./cifar_records.ts";
import { download, type Progress, type Source } from "./download.ts";
import { exists } from "./exists.ts";
import { unpackFolder } from "./unpack.ts";

/** The CIFAR sets by the names that `--dataset` takes. */
export type CifarName = "CIFAR10" | "CIFAR100";

/** Where a CIFAR set is read from. */
export interface CifarOptions {
  /**
   * The folder that holds `cifar-10-batches-bin` or `cifar-100-binary`, or else torchvision's `cifar-10-batches-py` or
   * `cifar-100-python`.
   */
  readonly root: string;
}

/** Where a CIFAR set is, and where it comes from if it is not there. */
export interface OpenCifarOptions extends CifarOptions {
  /** Is told how far the download has come. */
  readonly onProgress?: (progress: Progress) => void;
  /** The archive to download; by default the one at the official address. */
  readonly source?: Source;
}

const SIZE = 32;
/** The original normalises every CIFAR set by the numbers of CIFAR-10. */
const MEAN = [125.3, 123.0, 113.9] as const;
const STD = [63.0, 62.1, 66.7] as const;

interface Format {
  readonly classes: number;
  /** Label bytes before each image; the last is the one that is used. */
  readonly labels: number;
  readonly folder: string;
  readonly train: readonly string[];
  readonly test: readonly string[];
  readonly archive: string;
  readonly source: Source;
  /** The Python version of the set, which torchvision downloads. */
  readonly python: {
    readonly folder: string;
    readonly train: readonly string[];
    readonly test: readonly string[];
    readonly labelKey: string;
  };
}

const FORMATS: Readonly<Record<CifarName, Format>> = {
  CIFAR10: {
    classes: 10,
    labels: 1,
    folder: "cifar-10-batches-bin",
    train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
    test: ["test_batch.bin"],
    archive: "cifar-10-binary.tar.gz",
    source: {
      url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
      md5: "c32a1d4ab5d03f1284b67883e8d87530",
    },
    python: {
      folder: "cifar-10-batches-py",
      train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}`),
      test: ["test_batch"],
      labelKey: "labels",
    },
  },
  CIFAR100: {
    classes: 100,
    labels: 2,
    folder: "cifar-100-binary",
    train: ["train.bin"],
    test: ["test.bin"],
    archive: "cifar-100-binary.tar.gz",
    source: {
      url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
      md5: "03b5dce01913d631647c71ecec9e9cb8",
    },
    python: {
      folder: "cifar-100-python",
      train: ["train"],
      test: ["test"],
      labelKey: "fine_labels",
    },
  },
};

/**
 * Reads a CIFAR set in its binary format or, where that is not there, its Python version, of any number of records; of
 * CIFAR-100 the fine labels. See {@link https://www.cs.toronto.edu/~kriz/cifar.html | the format}.
 *
 * @param name Which set.
 * @param options Where it is.
 * @returns The set; it is normalised by the mean and standard deviation of CIFAR-10, either way.
 * @throws {Error} If a file is missing, empty, not a whole number of records, or holds a label that
 * is not below the number of classes.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const root = await Deno.makeTempDir();
 * await Deno.mkdir(`${root}/cifar-100-binary`);
 * const record = new Uint8Array(2 + 3 * 32 * 32).fill(128);
 * record.set([3, 99]);
 * await Deno.writeFile(`${root}/cifar-100-binary/train.bin`, record);
 * await Deno.writeFile(`${root}/cifar-100-binary/test.bin`, record);
 * const { train } = await readCifar("CIFAR100", { root });
 * assert.deepEqual([train.count, train.labels[0], train.pixels[0]], [1, 99, 128]);
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export async function readCifar(name: CifarName, { root }: CifarOptions): Promise<ImageSet> {
  const { python, ...binary } = FORMATS[name];
  const format = { name, size: SIZE, ...binary };
  const inFolder = (folder: string, files: readonly string[]) =>
    files.map((file) => join(root, folder, file));
  const isPython = !await exists(join(root, format.folder)) &&
    await exists(join(root, python.folder));
  const read = (part: "train" | "test") =>
    isPython
      ? readPickles(inFolder(python.folder, python[part]), { ...format, labelKey: python.labelKey })
      : readRecords(inFolder(format.folder, format[part]), format);
  return {
    name,
    classes: format.classes,
    size: SIZE,
    mean: MEAN,
    std: STD,
    train: await read("train"),
    test: await read("test"),
  };
}

/**
 * Reads a CIFAR set, after fetching it if its folder is not there: from the archive in `root`, or
 * else from the net. The archive stays in `root`.
 *
 * @param name Which set.
 * @param options Where it is or goes, who is told of the download's progress, and another source.
 * @returns The set, as {@link readCifar} gives it.
 * @throws {Error} If the set cannot be read, or the archive cannot be downloaded, has another MD5
 * digest than it must or cannot be unpacked; then there is no folder.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const root = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${root}/cifar-10-binary.tar.gz`, "half a download");
 * await assert.rejects(openCifar("CIFAR10", { root }), /its MD5 must be c32a1d4ab5d03f12/);
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export async function openCifar(
  name: CifarName,
  { root, onProgress = () => {}, source = FORMATS[name].source }: OpenCifarOptions,
): Promise<ImageSet> {
  const folder = join(root, FORMATS[name].folder);
  const archive = join(root, FORMATS[name].archive);
  const isThere = await exists(folder) || await exists(join(root, FORMATS[name].python.folder));
  if (!isThere) {
    const advice = `fetch it elsewhere and put it at ${archive} or, unpacked, at ${folder}`;
    await download(source, archive, { onProgress, advice });
    await unpackFolder(archive, folder);
  }
  return readCifar(name, { root });
}
