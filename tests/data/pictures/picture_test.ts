import assert from "node:assert/strict";
import { readBitmap } from "../../../data/pictures/bitmap.ts";
import { openPicture } from "../../../data/pictures/picture.ts";

const FOLDER = new URL("../../fixtures/pictures/", import.meta.url);

const read = (name: string) => Deno.readFile(new URL(name, FOLDER));

async function decode(name: string): Promise<Uint8Array> {
  const picture = await openPicture(await read(`${name}.JPEG`));
  const { width, height } = picture;
  const whole = { left: 0, top: 0, width, height };
  const { pixels, left, top, stride } = await picture.read(whole);
  return pixels.subarray(top * stride + 3 * left, top * stride + 3 * left + 3 * width * height);
}

const names = (await Array.fromAsync(Deno.readDir(FOLDER))).map(({ name }) => name)
  .filter((name) => name.endsWith(".ppm")).map((name) => name.slice(0, -4)).sort();

Deno.test("openPicture: decodes what PIL decodes, to the bit", async () => {
  assert.equal(names.length, 19);
  for (const name of names) {
    const wanted = readBitmap(await read(`${name}.ppm`));
    assert.deepEqual([...await decode(name)], [...wanted?.pixels ?? []], name);
  }
});

Deno.test("openPicture: a part is the same as the part of the whole", async () => {
  for (const name of ["colour", "ink", "bmp", "transparent_png"]) {
    const whole = await decode(name);
    const picture = await openPicture(await read(`${name}.JPEG`));
    const box = { left: 7, top: 5, width: 11, height: 9 };
    const { pixels, stride, left, top } = await picture.read(box);
    for (let y = 0; y < box.height; y++) {
      const from = (top + y) * stride + 3 * left;
      const row = 3 * (picture.width * (box.top + y) + box.left);
      assert.deepEqual(
        [...pixels.subarray(from, from + 3 * box.width)],
        [...whole.subarray(row, row + 3 * box.width)],
        name,
      );
    }
  }
});

Deno.test("openPicture: refuses what PIL refuses", async () => {
  await assert.rejects(decode("cut_in_half"), /premature end/);
  await assert.rejects(decode("cut_of_end"), /premature end/);
  await assert.rejects(decode("text"), /unsupported image format/);
  await assert.rejects(decode("empty"), { message: "the file is empty" });
});

Deno.test("openPicture: a file that is cut off is refused whatever part is read", async () => {
  const picture = await openPicture(await read("cut_of_end.JPEG"));
  await assert.rejects(picture.read({ left: 0, top: 0, width: 4, height: 2 }), /premature end/);
});

Deno.test("openPicture: reduces a JPEG while it decodes", async () => {
  const picture = await openPicture(await read("colour.JPEG"));
  assert.deepEqual(picture.reductions, [8, 4, 2]);
  const { pixels } = await picture.read({ left: 0, top: 0, width: 15, height: 11 }, 2);
  assert.equal(pixels.length, 15 * 11 * 3);
  const whole = await decode("colour");
  const mean = (values: Uint8Array) => values.reduce((a, b) => a + b, 0) / values.length;
  assert.ok(Math.abs(mean(pixels) - mean(whole)) < 2);
});
