import assert from "node:assert/strict";
import { freeImages, storeImages } from "../../lib/train/image_store.ts";
import { testGpu } from "../support/gpu.ts";
import { batchOf } from "../support/images.ts";
import { tinySet } from "../support/tiny.ts";

const IMAGE_BYTES = 3 * 8 * 8;
const SET = tinySet({ train: 11, test: 3 });

Deno.test("storeImages: parts that fit a binding give the batches of one whole", async () => {
  const gpu = await testGpu();
  const request = {
    batch: 5,
    order: [10, 3, 4, 7, 8, 0, 9, 1, 2, 5, 6],
    start: 3,
    epoch: 2,
    padding: 2,
    flips: true,
  };
  const stored = (bindingBytes: number) =>
    storeImages(gpu, { images: SET.train, set: SET, bindingBytes });
  const [whole, parts] = [stored(2 ** 20), stored(7 * IMAGE_BYTES)];
  assert.deepEqual(whole.shards.map(({ first, count }) => [first, count]), [[0, 11]]);
  assert.deepEqual(parts.shards.map(({ first, count }) => [first, count]), [[0, 4], [4, 4], [
    8,
    3,
  ]]);
  assert.deepEqual(await batchOf(gpu, parts, request), await batchOf(gpu, whole, request));
});

Deno.test("storeImages: an image is its bytes, normalised, with its label", async () => {
  const gpu = await testGpu();
  const store = storeImages(gpu, { images: SET.train, set: SET, bindingBytes: 4 * IMAGE_BYTES });
  for (const image of [0, 3, 4, 10]) {
    const { x, labels } = await batchOf(gpu, store, { batch: 1, start: image });
    const { pixels } = SET.train;
    const wanted = Float32Array.from({ length: IMAGE_BYTES }, (_, at) => {
      const [plane, place] = [at % 3, Math.floor(at / 3)];
      const byte = pixels[image * IMAGE_BYTES + plane * 64 + place] ?? NaN;
      return (byte - (SET.mean[plane] ?? NaN)) / (SET.std[plane] ?? NaN);
    });
    assert.ok(x.every((value, at) => Math.abs(value - (wanted[at] ?? NaN)) < 1e-6), `${image}`);
    assert.deepEqual(labels, [SET.train.labels[image]]);
  }
});

Deno.test("freeImages: leaves no buffer", async () => {
  const gpu = await testGpu();
  const before = gpu.bufferCount;
  const store = storeImages(gpu, { images: SET.train, set: SET, bindingBytes: 4 * IMAGE_BYTES });
  assert.equal(gpu.bufferCount, before + 4);
  freeImages(store);
  assert.equal(gpu.bufferCount, before);
});
