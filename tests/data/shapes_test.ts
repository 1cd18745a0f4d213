import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Images } from "../../lib/train/image_set.ts";
import { takeImages } from "../../lib/train/image_set.ts";
import { shapes } from "../../data/shapes.ts";

const set = shapes();

function digest({ pixels, labels }: Images): string {
  return createHash("sha256").update(pixels).update(labels).digest("hex");
}

function countLabels({ labels }: Images): number[] {
  const counts = new Array<number>(10).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

Deno.test("shapes: the default set has its bytes", () => {
  assert.equal(
    digest(set.train),
    "c08a421b62d97723881667dc5da28f4228cc405829123209df1948217a8c02b9",
  );
  assert.equal(
    digest(set.test),
    "68d148157a00a943e2eb698161e604cdf1ed14330226e04ab4ae4eba41e72376",
  );
});

Deno.test("shapes: 1,000 and 500 images of ten classes, 32x32", () => {
  assert.deepEqual([set.name, set.classes, set.size], ["shapes", 10, 32]);
  for (const [images, count] of [[set.train, 1000], [set.test, 500]] as const) {
    assert.equal(images.count, count);
    assert.equal(images.labels.length, count);
    assert.equal(images.pixels.length, count * 3 * 32 * 32);
  }
});

Deno.test("shapes: a smaller set is the beginning of a larger one, cut anywhere", () => {
  const small = shapes({ train: 33, test: 7 });
  assert.equal(digest(small.train), digest(takeImages(set.train, 33)));
  assert.equal(digest(small.test), digest(takeImages(set.test, 7)));
  assert.deepEqual([small.train.count, small.test.count], [33, 7]);
});

Deno.test("shapes: every ten images hold each class once, not always in the same order", () => {
  assert.deepEqual(countLabels(set.train), new Array(10).fill(100));
  assert.deepEqual(countLabels(set.test), new Array(10).fill(50));
  assert.deepEqual(countLabels(takeImages(set.train, 30)), new Array(10).fill(3));
  const orders = new Set<string>();
  for (let first = 0; first < 1000; first += 10) {
    orders.add(set.train.labels.subarray(first, first + 10).join());
  }
  assert(orders.size > 95, `${orders.size} orders in 100`);
});

Deno.test("shapes: training, test and another seed share no image", () => {
  const images = [set.train, set.test, shapes({ seed: 1, train: 100, test: 100 }).train];
  const seen = new Set<string>();
  let count = 0;
  for (const { count: some, pixels } of images) {
    for (let image = 0; image < some; image++, count++) {
      seen.add(pixels.subarray(image * 3072, (image + 1) * 3072).join());
    }
  }
  assert.equal(seen.size, count);
});

Deno.test("shapes: the largest seed is a seed of its own", () => {
  const few = { train: 10, test: 10 };
  const largest = digest(shapes({ seed: 2 ** 32 - 1, ...few }).train);
  assert.notEqual(largest, digest(shapes({ seed: 0, ...few }).train));
  assert.notEqual(largest, digest(shapes({ seed: 2 ** 31 - 1, ...few }).train));
});

Deno.test("shapes: a 16x16 image is the 32x32 one, averaged two by two", () => {
  const few = { train: 10, test: 10 };
  const [large, small] = [shapes(few), shapes({ size: 16, ...few })];
  assert.equal(small.size, 16);
  for (const split of ["train", "test"] as const) {
    assert.deepEqual(small[split].labels, large[split].labels);
    assert.equal(small[split].pixels.length, 10 * 3 * 16 * 16);
    small[split].pixels.forEach((value, at) => {
      const [plane, row, column] = [Math.floor(at / 256), Math.floor(at / 16) % 16, at % 16];
      const first = plane * 1024 + row * 64 + column * 2;
      const mean = [0, 1, 32, 33].reduce(
        (sum, offset) => sum + (large[split].pixels[first + offset] ?? NaN) / 4,
        0,
      );
      assert.equal(value, Math.round(mean));
    });
  }
});

for (const size of [16, 32] as const) {
  Deno.test(`shapes: mean and standard deviation are those of the training bytes, ${size}x${size}`, () => {
    const { train, mean, std } = shapes({ size, test: 1 });
    const pixels = size * size;
    for (const channel of [0, 1, 2]) {
      let [sum, squares] = [0, 0];
      for (let image = 0; image < 1000; image++) {
        const start = (image * 3 + channel) * pixels;
        for (const value of train.pixels.subarray(start, start + pixels)) {
          sum += value;
          squares += value * value;
        }
      }
      const found = sum / (1000 * pixels);
      const deviation = Math.sqrt(squares / (1000 * pixels) - found * found);
      assert.equal(mean[channel], Math.round(found * 10) / 10);
      assert.equal(std[channel], Math.round(deviation * 10) / 10);
    }
  });
}

Deno.test("shapes: a wrong number is refused by name", () => {
  const refuse = (options: Parameters<typeof shapes>[0], message: string) =>
    assert.throws(() => shapes(options), { name: "RangeError", message });
  const most = "a whole number from 1 to 1000000";
  refuse(
    { train: 0 },
    `Cannot draw shapes: the number of training images must be ${most}, found 0`,
  );
  refuse({ test: 2.5 }, `Cannot draw shapes: the number of test images must be ${most}, found 2.5`);
  // @ts-expect-error: a size that there is not
  refuse({ size: 24 }, "Cannot draw shapes: the size must be 16 or 32, found 24");
  for (const seed of [-1, 2 ** 32, 0.5, NaN]) {
    refuse(
      { seed },
      `Cannot draw shapes: the seed must be a whole number from 0 to 4294967295, found ${seed}`,
    );
  }
});
