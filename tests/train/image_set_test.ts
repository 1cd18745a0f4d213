import assert from "node:assert/strict";
import { takeImages } from "../../lib/train/image_set.ts";

const images = {
  count: 3,
  pixels: Uint8Array.from({ length: 3 * 12 }, (_, at) => at),
  labels: Uint8Array.of(4, 0, 9),
};

Deno.test("takeImages: takes the first, over the same memory", () => {
  const { count, pixels, labels } = takeImages(images, 2);
  assert.equal(count, 2);
  assert.deepEqual([...labels], [4, 0]);
  assert.deepEqual([pixels.length, pixels[23]], [24, 23]);
  assert.equal(pixels.buffer, images.pixels.buffer);
});

Deno.test("takeImages: all of them, and the first of the first", () => {
  assert.deepEqual(takeImages(images, 3), images);
  assert.deepEqual([...takeImages(takeImages(images, 2), 1).labels], [4]);
});

Deno.test("takeImages: refuses what is not a number from 1 to the count", () => {
  for (const n of [0, -1, 4, 1.5, NaN, Infinity]) {
    assert.throws(() => takeImages(images, n), {
      name: "RangeError",
      message:
        `Cannot take the first images: their number must be a whole number from 1 to 3, the number there are, found ${n}`,
    });
  }
});
