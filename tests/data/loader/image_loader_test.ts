import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { join } from "node:path";
import { openImageFolder } from "../../../data/image_folder.ts";
import type { ImageFiles } from "../../../data/image_list.ts";
import { DecodePool } from "../../../data/loader/decode_pool.ts";
import { ImageLoader, type ImageLoaderOptions } from "../../../data/loader/image_loader.ts";
import { drawView } from "../../../data/pictures/draw_view.ts";
import { openPicture } from "../../../data/pictures/picture.ts";
import { partOf, viewWithin } from "../../../data/pictures/part.ts";
import { randomCropView, trainingView, validationView } from "../../../data/pictures/view.ts";
import { Draws } from "../../../lib/random.ts";
import { openCub } from "../../../data/cub.ts";
import { drawCub } from "../../support/known_sets.ts";
import { drawFolder } from "../../support/pictures.ts";
import { tempFolder } from "../../support/temp_folder.ts";

/** Runs with a folder of 3 classes, 7 images each to train on and 2 to validate on, and a pool. */
async function withFolder(
  { workers = 2 }: { workers?: number },
  work: (given: { root: string; files: ImageFiles; pool: DecodePool }) => Promise<void>,
): Promise<void> {
  await using folder = await tempFolder();
  const root = folder.path;
  await drawFolder(root, { classes: 3, train: 7, val: 2 });
  using pool = new DecodePool({ workers });
  await work({ root, files: await openImageFolder(root), pool });
}

type Rest = Omit<ImageLoaderOptions, "size" | "batchSize" | "training">;

const training = (rest: Rest) => ({ size: 24, batchSize: 8, training: true, ...rest });

/** What the batches of some steps hold, in one line each. */
async function summaries(loader: ImageLoader, steps: readonly number[]): Promise<string[]> {
  const lines: string[] = [];
  for (const step of steps) {
    const { epoch, images, pixels, labels, indices, release } = await loader.take(step);
    assert.equal(pixels.length, images * 3 * 24 * 24);
    lines.push(`${epoch} ${images} ${crc32(pixels)} ${labels} ${indices}`);
    release();
  }
  return lines;
}

Deno.test("ImageLoader: one worker and four give the same bytes, epoch after epoch", async () => {
  await withFolder({ workers: 1 }, async ({ files, pool }) => {
    await using one = new ImageLoader(files.train, training({ pool, seed: 5 }));
    const lines = await summaries(one, [0, 1, 2, 3, 4, 5, 6]);
    using many = new DecodePool({ workers: 4 });
    await using four = new ImageLoader(files.train, training({ pool: many, seed: 5, ahead: 5 }));
    assert.deepEqual(await summaries(four, [0, 1, 2, 3, 4, 5, 6]), lines);
    await using other = new ImageLoader(files.train, training({ pool: many, seed: 6 }));
    assert.notDeepEqual(await summaries(other, [0]), lines.slice(0, 1));
    assert.deepEqual(lines.map((line) => line.slice(0, 4)), [
      ...["1 8 ", "1 8 ", "1 5 "],
      ...["2 8 ", "2 8 ", "2 5 "],
      "3 8 ",
    ]);
    const drawn = lines.slice(0, 3).flatMap((line) => line.split(" ")[4]?.split(",") ?? []);
    assert.equal(new Set(drawn).size, 21);
  });
});

Deno.test("ImageLoader: seed, epoch and image draw crop and flip", async () => {
  await withFolder({}, async ({ files, pool }) => {
    await using loader = new ImageLoader(files.train, training({ pool, seed: 5 }));
    for (const step of [0, 4]) {
      const { epoch, pixels, indices } = await loader.take(step);
      for (const [at, index] of indices.entries()) {
        const picture = await openPicture(await Deno.readFile(files.train.place(index).path));
        const into = new Uint8Array(3 * 24 * 24);
        const view = trainingView(picture, { size: 24, draws: new Draws(5, epoch, index) });
        await drawView(picture, { view, mayReduce: true, into });
        const found = pixels.subarray(at * into.length, (at + 1) * into.length);
        assert.deepEqual([...found], [...into]);
      }
    }
  });
});

Deno.test("ImageLoader: pictures with boxes are cut first; random crops keep the scale", async () => {
  await using folder = await tempFolder();
  await drawCub(folder.path, { classes: 2, train: 4, test: 2 });
  const { train, val } = await openCub(folder.path);
  using pool = new DecodePool({ workers: 2 });
  const options = { pool, size: 24, batchSize: 4, seed: 5 };
  const bytes = 3 * 24 * 24;
  for (const training of [true, false]) {
    const list = training ? train : val;
    await using loader = new ImageLoader(list, { ...options, training, crop: "random" });
    const { epoch, pixels, indices } = await loader.take(training ? 3 : 0);
    for (const [at, index] of indices.entries()) {
      const { path, box } = list.place(index);
      const picture = await openPicture(await Deno.readFile(path));
      const part = partOf(picture, box);
      assert.ok(part.width === picture.width - 20 && part.height === picture.height - 8);
      const draws = new Draws(5, epoch, index);
      const view = training
        ? randomCropView(part, { size: 24, resize: 27, draws })
        : validationView(part, { size: 24, resize: 27 });
      const into = new Uint8Array(bytes);
      await drawView(picture, { view: viewWithin(part, view), mayReduce: training, into });
      assert.deepEqual([...pixels.subarray(at * bytes, (at + 1) * bytes)], [...into]);
    }
  }
});

Deno.test("ImageLoader: a box beside its picture is an error that names the image", async () => {
  await withFolder({}, async ({ files, pool }) => {
    const box = { left: 900, top: 0, width: 9, height: 9 };
    const val = {
      ...{ count: files.val.count, classes: files.val.classes, labels: files.val.labels, run: 1 },
      place: (index: number) => ({ ...files.val.place(index), box }),
    };
    await using loader = new ImageLoader(val, { pool, size: 24, batchSize: 4, training: false });
    await assert.rejects(
      loader.take(0),
      /Cannot decode .*\.JPEG: its box of 9x9 at \(900, 0\) must/,
    );
  });
});

Deno.test("ImageLoader: batches that are held never share memory", async () => {
  await withFolder({}, async ({ files, pool }) => {
    await using loader = new ImageLoader(files.train, training({ pool, ahead: 1 }));
    for (const step of [0, 1]) {
      const { release } = await loader.take(step);
      release();
      release();
    }
    const held = [];
    for (const step of [2, 3, 4, 5]) held.push((await loader.take(step)).pixels.buffer);
    assert.equal(new Set(held).size, 4);
  });
});

Deno.test("ImageLoader: any step can be begun with, and gives what it always gives", async () => {
  await withFolder({}, async ({ files, pool }) => {
    await using loader = new ImageLoader(files.train, training({ pool }));
    const lines = await summaries(loader, [0, 1, 2, 3, 4]);
    assert.deepEqual(await summaries(loader, [3, 4]), lines.slice(3));
    assert.deepEqual(await summaries(loader, [1]), lines.slice(1, 2));
  });
});

Deno.test("ImageLoader: validation takes the centres in the folder's order", async () => {
  await withFolder({}, async ({ files, pool }) => {
    const options = { pool, size: 24, batchSize: 4, training: false };
    await using loader = new ImageLoader(files.val, options);
    assert.deepEqual([loader.stepsPerEpoch, loader.count], [2, 6]);
    const { pixels, labels } = await loader.take(0);
    assert.deepEqual([...labels], [0, 0, 1, 1]);
    const picture = await openPicture(await Deno.readFile(files.val.place(2).path));
    const into = new Uint8Array(3 * 24 * 24);
    const view = validationView(picture, { size: 24, resize: 27 });
    await drawView(picture, { view, mayReduce: false, into });
    assert.deepEqual([...pixels.subarray(2 * into.length, 3 * into.length)], [...into]);
    assert.equal((await loader.take(1)).images, 2);
    await assert.rejects(loader.take(2), /Cannot load step 2: it must be below 2/);
    assert.equal((await loader.take(0)).images, 4);
  });
});

Deno.test("ImageLoader: a bad image is an error that names it", async () => {
  await withFolder({}, async ({ root, files, pool }) => {
    await Deno.writeTextFile(join(root, "val/class1/0.JPEG"), "nothing");
    const options = { pool, size: 24, batchSize: 6, training: false };
    await using loader = new ImageLoader(files.val, options);
    await assert.rejects(loader.take(0), /^Error: Cannot decode .*class1\/0\.JPEG: .*unsupported/);
  });
});

Deno.test("ImageLoader: what is wrong with an image is one line, whatever libvips or its name says", async () => {
  await withFolder({}, async ({ root, pool }) => {
    const [whole, cut] = ["val/class0/0.JPEG", "val/class0/0\n1.JPEG"].map((name) =>
      join(root, name)
    );
    await Deno.writeFile(cut ?? "", (await Deno.readFile(whole ?? "")).subarray(0, 100));
    const { val } = await openImageFolder(root);
    const options = { pool, size: 24, batchSize: 7, training: false };
    await using loader = new ImageLoader(val, options);
    await assert.rejects(
      loader.take(0),
      /^Error: Cannot decode .*class0\/0\\n1\.JPEG: .*premature end of JPEG image; [^;]*$/,
    );
    await Deno.remove(cut ?? "");
    await using later = new ImageLoader(val, options);
    await assert.rejects(later.take(0), /class0\/0\\n1\.JPEG: No such file or directory$/);
  });
});

Deno.test("ImageLoader: a bad image is skipped by name, and the next takes its place", async () => {
  await withFolder({}, async ({ root, files, pool }) => {
    const options = { pool, size: 24, batchSize: 6, training: false, onBad: "skip" } as const;
    await using plain = new ImageLoader(files.val, options);
    const good = await plain.take(0);
    const names = ["class1/0.JPEG", "class1/1.JPEG", "class2/1.JPEG"].map((name) =>
      join(root, "val", name)
    );
    for (const name of names) await Deno.writeTextFile(name, "nothing");
    await using loader = new ImageLoader(files.val, options);
    const { pixels, labels, indices } = await loader.take(0);
    assert.deepEqual([...indices], [0, 1, 4, 4, 4, 0]);
    assert.deepEqual([...labels], [0, 0, 2, 2, 2, 0]);
    const image = (
      bytes: Uint8Array,
      at: number,
    ) => [...bytes.subarray(at * 1728, at * 1728 + 1728)];
    assert.deepEqual(image(pixels, 2), image(good.pixels, 4));
    assert.deepEqual(image(pixels, 5), image(good.pixels, 0));
    assert.deepEqual([...loader.skipped.keys()].sort(), names);
  });
});

Deno.test("ImageLoader: a set without a good image is an error, however bad ones are treated", async () => {
  await withFolder({}, async ({ files, pool }) => {
    for (let at = 0; at < files.val.count; at++) {
      await Deno.writeTextFile(files.val.place(at).path, "");
    }
    const options = { pool, size: 24, batchSize: 6, training: false, onBad: "skip" } as const;
    await using loader = new ImageLoader(files.val, options);
    await assert.rejects(loader.take(0), /Cannot decode .*: the file is empty/);
  });
});

Deno.test("ImageLoader: no more batches are prepared than asked for, and their memory is used again", async () => {
  await withFolder({}, async ({ files, pool }) => {
    let asked = 0;
    const train = {
      ...{ count: files.train.count, classes: files.train.classes, labels: files.train.labels },
      run: 1,
      place: (index: number) => (asked++, files.train.place(index)),
    };
    await using loader = new ImageLoader(train, training({ pool, ahead: 2 }));
    const buffers = new Set<ArrayBufferLike>();
    for (let step = 0; step < 20; step++) {
      const { pixels, release } = await loader.take(step);
      buffers.add(pixels.buffer);
      release();
      release();
      assert.ok(asked <= 21 * (step + 4) / 3 + 3, `step ${step}: asked for ${asked} images`);
    }
    assert.ok(buffers.size <= 4, `wanted at most 4 buffers, found ${buffers.size}`);
    assert.ok(loader.waitedSeconds > 0);
  });
});

Deno.test("ImageLoader: closing refuses what is under way, and nothing waits for ever", async () => {
  await withFolder({}, async ({ files, pool }) => {
    const loader = new ImageLoader(files.train, training({ pool }));
    const pending = loader.take(0);
    pool[Symbol.dispose]();
    await assert.rejects(pending, /the workers have been ended/);
    await assert.rejects(loader.take(1), /the workers have been ended/);
    await loader[Symbol.asyncDispose]();
    await assert.rejects(loader.take(2), /on an open loader/);
  });
});

Deno.test("DecodePool: wants at least one worker", () => {
  assert.throws(() => new DecodePool({ workers: 0 }), /must be at least 1, found 0/);
});
