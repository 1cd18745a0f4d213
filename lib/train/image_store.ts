import type { Gpu } from "../gpu/device.ts";
import type { ImageShard, ImageStore } from "../ops/images.ts";
import type { Images, ImageSet } from "./image_set.ts";

/**
 * Puts images on the GPU, as bytes, in as many parts as the adapter's largest binding asks for.
 *
 * @param images The images to store.
 * @param set The set that they are of.
 * @param options.bindingBytes The most bytes of a part. Default: the adapter's limit.
 */
export function storeImages(
  gpu: Gpu,
  { images, set, bindingBytes = gpu.device.limits.maxStorageBufferBindingSize }: {
    images: Images;
    set: ImageSet;
    bindingBytes?: number;
  },
): ImageStore {
  const { size, mean, std } = set;
  const imageBytes = 3 * size * size;
  const most = Math.floor(bindingBytes / imageBytes / 4) * 4;
  const shards: ImageShard[] = [];
  for (let first = 0; first < images.count; first += most) {
    const count = Math.min(most, images.count - first);
    const bytes = images.pixels.subarray(first * imageBytes, (first + count) * imageBytes);
    const words = new Uint32Array(Math.ceil(bytes.length / 4));
    new Uint8Array(words.buffer).set(bytes);
    const pixels = gpu.tensor(words, [words.length], { label: "image bytes", dtype: "u32" });
    shards.push({ first, count, pixels });
  }
  const labels = gpu.tensor(images.labels, [images.count], { label: "labels", dtype: "u32" });
  return { count: images.count, size, shards, labels, mean, std };
}

/** Frees what {@link storeImages} made. */
export function freeImages({ shards, labels }: ImageStore): void {
  for (const { pixels } of shards) pixels[Symbol.dispose]();
  labels[Symbol.dispose]();
}
