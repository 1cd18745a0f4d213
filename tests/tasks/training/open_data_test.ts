import assert from "node:assert/strict";
import { shapes } from "../../../data/shapes.ts";
import { openData } from "../../../tasks/training/open_data.ts";
import { MINI } from "../../support/mini.ts";

Deno.test("openData: shapes come as many as asked for, and need no folder", async () => {
  const dataroot = "/no/such/folder";
  const few = await openData({ dataset: "shapes", dataroot, train_images: 12 });
  const wanted = shapes({ train: 12 });
  assert.deepEqual([few.name, few.train.count, few.test.count], ["shapes", 12, 500]);
  assert.deepEqual(few.train.labels, wanted.train.labels);
  const usual = await openData({ dataset: "shapes", dataroot, train_images: null });
  assert.deepEqual([usual.train.count, usual.test.count], [1000, 500]);
});

Deno.test("openData: of CIFAR, the first training images are taken and all test images", async () => {
  const at = { dataset: "CIFAR10", dataroot: MINI } as const;
  const all = await openData({ ...at, train_images: null });
  assert.deepEqual([all.name, all.train.count, all.test.count], ["CIFAR10", 500, 200]);
  const few = await openData({ ...at, train_images: 7 });
  assert.deepEqual([few.train.count, few.test.count], [7, 200]);
  assert.deepEqual([...few.train.labels], [...all.train.labels.subarray(0, 7)]);
});

Deno.test("openData: refuses to take more than there are", async () => {
  await assert.rejects(openData({ dataset: "CIFAR10", dataroot: MINI, train_images: 501 }), {
    name: "RangeError",
    message: /from 1 to 500/,
  });
});
