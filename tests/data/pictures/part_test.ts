import assert from "node:assert/strict";
import { drawView } from "../../../data/pictures/draw_view.ts";
import { partOf, viewWithin } from "../../../data/pictures/part.ts";
import { pictureOf } from "../../../data/pictures/picture.ts";
import { validationView } from "../../../data/pictures/view.ts";
import { drawPicture } from "../../support/pictures.ts";

const SIZE = { width: 60, height: 45 };

Deno.test("partOf: a box is cut at every edge of the picture, and one beside it refused", () => {
  assert.deepEqual(partOf(SIZE, null), { left: 0, top: 0, width: 60, height: 45 });
  assert.deepEqual(partOf(SIZE, { left: 5, top: 6, width: 7, height: 8 }), {
    left: 5,
    top: 6,
    width: 7,
    height: 8,
  });
  assert.deepEqual(partOf(SIZE, { left: -5, top: -6, width: 70, height: 80 }), partOf(SIZE, null));
  assert.deepEqual(partOf(SIZE, { left: 59, top: 44, width: 9, height: 9 }), {
    left: 59,
    top: 44,
    width: 1,
    height: 1,
  });
  for (const [left, top] of [[60, 0], [0, 45], [-9, 0], [0, -9]] as const) {
    assert.throws(
      () => partOf(SIZE, { left, top, width: 9, height: 9 }),
      /^RangeError: its box of 9x9 at \(-?\d+, -?\d+\) must share pixels with the picture of 60x45$/,
    );
  }
});

Deno.test("viewWithin: a part is drawn as a picture of its own", async () => {
  const pixels = drawPicture({ ...SIZE, seed: 3 });
  const part = { left: 11, top: 7, width: 32, height: 21 };
  const own = new Uint8Array(3 * part.width * part.height);
  for (let y = 0; y < part.height; y++) {
    const from = 3 * ((part.top + y) * SIZE.width + part.left);
    own.set(pixels.subarray(from, from + 3 * part.width), 3 * y * part.width);
  }
  const view = validationView(part, { size: 14, resize: 16 });
  const [wanted, found] = [new Uint8Array(3 * 14 * 14), new Uint8Array(3 * 14 * 14)];
  const { width, height } = part;
  const alone = pictureOf({ width, height, pixels: own });
  await drawView(alone, { view, mayReduce: false, into: wanted });
  const whole = pictureOf({ ...SIZE, pixels });
  await drawView(whole, { view: viewWithin(part, view), mayReduce: false, into: found });
  assert.deepEqual(found, wanted);
});
