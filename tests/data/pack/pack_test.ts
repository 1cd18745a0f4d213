import assert from "node:assert/strict";
import { join } from "node:path";
import { openImageFolder } from "../../../data/image_folder.ts";
import type { ImageFiles, ImageList } from "../../../data/image_list.ts";
import { DecodePool } from "../../../data/loader/decode_pool.ts";
import { ImageLoader } from "../../../data/loader/image_loader.ts";
import { openImages } from "../../../data/open_images.ts";
import { readShardTable, verifyShard } from "../../../data/pack/shard.ts";
import { packImages, type PackOptions, type PackProgress } from "../../../data/pack/write_pack.ts";
import { drawCub } from "../../support/known_sets.ts";
import { drawFolder } from "../../support/pictures.ts";
import { tempFolder } from "../../support/temp_folder.ts";

interface Given {
  readonly root: string;
  readonly out: string;
  readonly files: ImageFiles;
}

async function withFolder(work: (given: Given) => Promise<void>): Promise<void> {
  await using folder = await tempFolder();
  const [root, out] = [join(folder.path, "images"), join(folder.path, "packed")];
  await drawFolder(root, { classes: 2, train: 5, val: 2 });
  await work({ root, out, files: await openImageFolder(root) });
}

const small = (out: string, rest: Partial<PackOptions> = {}): PackOptions => ({
  ...{ out, size: 32, shardImages: 4, workers: 2, raw: true },
  ...rest,
});

/** Validation's view of every image. */
async function pixelsOf(list: ImageList): Promise<{ pixels: Uint8Array; labels: number[] }> {
  using pool = new DecodePool({ workers: 2 });
  const options = { pool, size: 28, batchSize: list.count, training: false };
  await using loader = new ImageLoader(list, options);
  const { pixels, labels } = await loader.take(0);
  return { pixels: pixels.slice(), labels: [...labels] };
}

async function flipByte(path: string, at: number): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await Deno.writeFile(path, bytes);
}

Deno.test("packImages: raw pixels are those that the folder gives at the same size", async () => {
  await withFolder(async ({ root, out, files }) => {
    const { images, skipped } = await packImages(files, small(out));
    assert.deepEqual([images, skipped.size], [14, 0]);
    const packed = await openImages(out);
    assert.deepEqual([packed.train.count, packed.val.count, packed.train.run], [10, 4, 64]);
    assert.deepEqual(packed.train.classes, ["class0", "class1"]);
    assert.deepEqual([...packed.train.labels].sort(), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    assert.notDeepEqual([...packed.train.labels], [...files.train.labels]);
    assert.deepEqual(await pixelsOf(packed.val), await pixelsOf(files.val));
    const names = (await Array.fromAsync(Deno.readDir(out))).map(({ name }) => name).sort();
    const shards = ["train-00000", "train-00001", "train-00002", "val-00000"];
    assert.deepEqual(names, ["pack.json", ...shards.map((name) => `${name}.shard`)]);
    assert.equal((await openImages(root)).train.count, 10);
  });
});

Deno.test("packImages: JPEG files come near the folder's, and are trained on the same way twice", async () => {
  await withFolder(async ({ out, files }) => {
    await packImages(files, small(out, { raw: false }));
    const packed = await openImages(out);
    const [found, wanted] = [await pixelsOf(packed.val), await pixelsOf(files.val)];
    assert.deepEqual(found.labels, wanted.labels);
    const off = found.pixels.reduce(
      (sum, value, at) => sum + Math.abs(value - (wanted.pixels[at] ?? NaN)),
      0,
    );
    assert.ok(off / found.pixels.length < 6, `found ${off / found.pixels.length} levels off`);
    const order = async (workers: number) => {
      using pool = new DecodePool({ workers });
      const options = { pool, size: 16, batchSize: 10, training: true };
      await using loader = new ImageLoader(packed.train, options);
      const { pixels, indices } = await loader.take(1);
      return [indices.toString(), pixels.toString()];
    };
    assert.deepEqual(await order(1), await order(3));
  });
});

Deno.test("packImages: pictures with boxes are cut to them, and other boxes are another pack", async () => {
  await using folder = await tempFolder();
  const root = join(folder.path, "images");
  await drawCub(root, { classes: 2, train: 3, test: 2 });
  const out = join(folder.path, "packed");
  const files = await openImages(root);
  await packImages(files, small(out));
  const packed = await openImages(out);
  assert.deepEqual(await pixelsOf(packed.val), await pixelsOf(files.val));
  const boxes = join(root, "bounding_boxes.txt");
  await Deno.writeTextFile(boxes, (await Deno.readTextFile(boxes)).replace(" 10.0", " 9.0"));
  await assert.rejects(
    openImages(root).then((others) => packImages(others, small(out))),
    /it must hold a pack of the images of .*images, found one of others$/,
  );
  await assert.rejects(
    packImages(packed, small(join(folder.path, "again"))),
    /Cannot pack images: wanted files of their own, found those of .*train-00000\.shard$/,
  );
});

Deno.test("packImages: a pack broken off is no pack yet, and goes on where it was", async () => {
  await withFolder(async ({ out, files }) => {
    const stop = new AbortController();
    const onShard = ({ done }: PackProgress) => done === 2 && stop.abort();
    await assert.rejects(packImages(files, small(out, { onShard, signal: stop.signal })), {
      name: "AbortError",
    });
    await assert.rejects(openImages(out), /wanted a finished pack/);
    const first = await Deno.readFile(join(out, "train-00000.shard"));
    await flipByte(join(out, "train-00001.shard"), 500);
    const kept: boolean[] = [];
    await packImages(files, small(out, { onShard: ({ isKept }) => kept.push(isKept) }));
    // The second was damaged in between.
    assert.deepEqual(kept, [true, false, false, false]);
    assert.deepEqual(await Deno.readFile(join(out, "train-00000.shard")), first);
    for (const shard of ["train-00001", "train-00002", "val-00000"]) {
      await verifyShard(join(out, `${shard}.shard`));
    }
    assert.equal((await openImages(out)).train.count, 10);
    await assert.rejects(packImages(files, small(out, { size: 40 })), /it holds a pack of size 32/);
  });
});

Deno.test("packImages: a bad image is an error that names it, or left out by name", async () => {
  await withFolder(async ({ root, out, files }) => {
    const bad = join(root, "train/class1/3.JPEG");
    await Deno.writeFile(bad, (await Deno.readFile(bad)).subarray(0, 100));
    await assert.rejects(
      packImages(files, small(out)),
      /^Error: Cannot decode .*class1\/3\.JPEG: .+$/,
    );
    const names = (await Array.fromAsync(Deno.readDir(out))).map(({ name }) => name);
    assert.ok(names.every((name) => !name.endsWith(".part")), names.join());
    const { images, skipped } = await packImages(files, small(out, { onBad: "skip" }));
    assert.deepEqual([images, [...skipped.keys()]], [13, [bad]]);
    assert.equal((await openImages(out)).train.count, 9);
  });
});

Deno.test("packImages: a place among the images or other files is refused, and nothing is written there", async () => {
  await withFolder(async ({ root, out, files }) => {
    const beside = (name: string) => join(root, "..", name);
    await Deno.symlink(root, beside("link"));
    await Deno.rename(join(root, "val"), beside("val"));
    await Deno.symlink(beside("val"), join(root, "val"));
    await Deno.symlink("nowhere", beside("dangling"));
    await Deno.mkdir(out);
    await Deno.writeTextFile(join(out, "notes.txt"), "");
    const tree = async () =>
      (await Array.fromAsync(Deno.readDir(beside("")), ({ name }) => name)).sort();
    const before = await tree();
    const among = /^Error: Cannot pack into .*: wanted a folder outside the images, found one in /;
    const cases: [place: string, message: RegExp][] = [
      [root, among],
      [join(root, "packed"), among],
      [join(root, "train/class0"), among],
      [beside("link"), among],
      [beside("link/train/packed/again"), among],
      [beside("val/packed"), among],
      [beside("."), /wanted an empty folder or an unfinished pack, found dangling in it$/],
      [out, /wanted an empty folder or an unfinished pack, found notes\.txt in it$/],
      [join(out, "notes.txt"), /: wanted a folder, found a file$/],
      [join(out, "notes.txt/packed"), /packed: Not a directory$/],
      [beside("dangling"), /: wanted a folder, found a link that leads nowhere$/],
    ];
    for (const [place, message] of cases) {
      await assert.rejects(packImages(files, small(place)), message, place);
    }
    assert.deepEqual(await tree(), before);
    await Deno.remove(join(out, "notes.txt"));
    for (const name of [".DS_Store", "pack.json.1.part"]) {
      await Deno.writeTextFile(join(out, name), "");
    }
    assert.equal((await packImages(files, small(out))).images, 14);
  });
});

Deno.test("a damaged shard is an error that names the file and the place", async () => {
  await withFolder(async ({ out, files }) => {
    await packImages(files, small(out));
    const path = join(out, "val-00000.shard");
    const whole = await Deno.readFile(path);
    const images = await readShardTable(path);
    const { offset = 0 } = images[2] ?? {};
    await flipByte(path, offset + 40);
    const { val } = await openImages(out);
    await assert.rejects(
      pixelsOf(val),
      new RegExp(`Cannot decode the image at byte ${offset} of .*val-00000.shard: .*CRC-32`),
    );
    await assert.rejects(
      verifyShard(path),
      new RegExp(`val-00000.shard: at byte ${offset} wanted`),
    );
    await Deno.writeFile(path, whole);
    await flipByte(path, 20);
    await assert.rejects(openImages(out), /val-00000.shard: at byte 16 wanted a table of CRC-32/);
    await flipByte(path, 20);
    await flipByte(path, 0);
    await assert.rejects(
      openImages(out),
      /val-00000.shard: at byte 0 wanted PUPILPK1, found "QUPI/,
    );
    await Deno.writeFile(path, whole.subarray(0, whole.length - 5));
    await assert.rejects(openImages(out), /val-00000.shard: at byte \d+ wanted an image of/);
    await Deno.writeFile(path, whole.subarray(0, 30));
    await assert.rejects(openImages(out), /at byte 8 wanted a table within the 30 bytes/);
    await Deno.writeFile(path, whole.subarray(0, 3));
    await assert.rejects(openImages(out), /at byte 0 wanted 16 bytes, found 3/);
    await Deno.remove(path);
    await assert.rejects(openImages(out), /val-00000.shard/);
    await Deno.writeTextFile(join(out, "pack.json"), "{}");
    await assert.rejects(openImages(out), /pack.json: wanted the format "pupil-pack-1"/);
  });
});
