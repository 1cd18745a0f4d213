import type { Gpu } from "../../lib/gpu/device.ts";
import { StepValues } from "../../lib/gpu/step_values.ts";
import { imageBatch, type ImageStore } from "../../lib/ops/images.ts";
import { readIntegers } from "./stored.ts";

/** Means and deviations of the CIFAR images, as the original normalises. */
export const MEAN = [125.3, 123, 113.9] as const;
export const STD = [63, 62.1, 66.7] as const;

/** Images kept as bytes, `[count, 3, size, size]`, and their labels, in shards that begin at the given images. */
export function storeOf(
  gpu: Gpu,
  { bytes, labels, size, firsts = [0] }: {
    bytes: Uint8Array;
    labels: readonly number[];
    size: number;
    firsts?: readonly number[];
  },
): ImageStore {
  const count = labels.length;
  const shards = firsts.map((first, at) => {
    const end = firsts[at + 1] ?? count;
    const words = new Uint32Array(bytes.slice(first * 3 * size ** 2, end * 3 * size ** 2).buffer);
    const pixels = gpu.tensor(words, [words.length], { label: "pixels", dtype: "u32" });
    return { first, count: end - first, pixels };
  });
  const tensor = gpu.tensor(labels, [count], { label: "labels", dtype: "u32" });
  return { count, size, shards, labels: tensor, mean: MEAN, std: STD };
}

/** What a batch is asked for. Default of the order: the set's. */
export interface Request {
  readonly batch: number;
  readonly order?: readonly number[];
  readonly start?: number;
  readonly epoch?: number;
  readonly seed?: number;
  readonly padding?: number;
  readonly flips?: boolean;
}

/** Makes a batch and reads it. */
export async function batchOf(
  gpu: Gpu,
  store: ImageStore,
  { batch, order, start = 0, epoch = 0, seed = 1, padding = 0, flips = false }: Request,
): Promise<{ x: Float32Array; labels: number[]; shape: readonly number[] }> {
  const places = order ?? Array.from({ length: store.count }, (_, at) => at);
  using step = new StepValues(gpu, ["epoch", "start"]);
  step.setInteger("epoch", epoch);
  step.setInteger("start", start);
  step.upload();
  const { x, labels } = imageBatch(store, {
    batch,
    order: gpu.tensor(places, [places.length], { label: "order", dtype: "u32" }),
    start: step.at("start"),
    epoch: step.at("epoch"),
    seed,
    padding,
    flips,
  });
  return { x: await x.read(), labels: await readIntegers(labels), shape: x.shape };
}
