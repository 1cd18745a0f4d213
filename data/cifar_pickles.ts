import { NUMPY_GLOBALS, PickledArray } from "../lib/weights/numpy_pickle.ts";
import { unpickle } from "../lib/weights/pickle.ts";
import { Tuple } from "../lib/weights/pickle_values.ts";
import { floats, isWhole, wholes } from "../lib/weights/file_tensor.ts";
import type { Images } from "../lib/train/image_set.ts";
import { imageBytes, readSetFile, type RecordFormat } from "./cifar_records.ts";

/** What the pickled batches of a set look like. */
export interface PickleFormat extends RecordFormat {
  /** The key of the labels. */
  readonly labelKey: string;
}

/**
 * Reads files of CIFAR's Python version, the one that torchvision downloads: a pickled dict of an array `data`,
 * `[images, 3072]`, and a list or an array of labels. Nothing in a file is run.
 *
 * @param paths The files, in order.
 * @param format The images and labels.
 * @returns All images, in the order of the files.
 * @throws {Error} If a file is missing, damaged, or does not hold images and as many labels below the number of
 * classes.
 */
export async function readPickles(
  paths: readonly string[],
  format: PickleFormat,
): Promise<Images> {
  const batches: Batch[] = [];
  for (const path of paths) {
    batches.push(
      await readSetFile(path, { name: format.name, parse: (bytes) => parse(bytes, format) }),
    );
  }
  const count = batches.reduce((sum, { labels }) => sum + labels.length, 0);
  const pixels = new Uint8Array(count * imageBytes(format));
  const labels = new Uint8Array(count);
  let index = 0;
  for (const batch of batches) {
    pixels.set(batch.pixels, index * imageBytes(format));
    labels.set(batch.labels, index);
    index += batch.labels.length;
  }
  return { count, pixels, labels };
}

interface Batch {
  readonly pixels: Uint8Array;
  readonly labels: readonly number[];
}

function parse(bytes: Uint8Array, format: PickleFormat): Batch {
  const { value } = unpickle(bytes, { host: { globals: NUMPY_GLOBALS } });
  const get = (key: string): unknown => value instanceof Map ? value.get(key) : undefined;
  const data = get("data");
  const image = imageBytes(format);
  if (!(data instanceof PickledArray)) throw new Error("it must hold an array data, found none");
  const { dtype, shape: [count = 0, ...sizes], data: pixels } = data.tensor;
  if (dtype !== "U8" || count === 0 || sizes.join() !== String(image)) {
    throw new Error(
      `data must be U8 [images, ${image}], found ${dtype} [${[count, ...sizes].join(", ")}]`,
    );
  }
  const labels = labelsOf(get(format.labelKey));
  if (labels?.length !== count) {
    throw new Error(`it must hold ${count} ${format.labelKey}, found ${labels?.length ?? "none"}`);
  }
  return { pixels, labels: labels.map((label, index) => checkLabel(label, { index, format })) };
}

/** The labels of a list, a tuple or an array; those of a list may be NumPy's scalars. */
function labelsOf(value: unknown): readonly unknown[] | undefined {
  if (value instanceof PickledArray) return numbersOf(value);
  const items = value instanceof Tuple ? value.items : value;
  if (!Array.isArray(items)) return undefined;
  return items.map((item) => item instanceof PickledArray ? numbersOf(item)[0] : item);
}

function numbersOf({ tensor }: PickledArray): readonly unknown[] {
  return isWhole(tensor.dtype) ? wholes(tensor) : [...floats(tensor, "read labels")];
}

function checkLabel(
  label: unknown,
  { index, format }: { index: number; format: PickleFormat },
): number {
  const isLabel = typeof label === "number" && Number.isInteger(label) && label >= 0 &&
    label < format.classes;
  if (isLabel) return label;
  throw new Error(
    `labels must be whole numbers below ${format.classes}, found ${label} in record ${index}`,
  );
}
