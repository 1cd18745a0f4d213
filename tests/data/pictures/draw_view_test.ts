import assert from "node:assert/strict";
import { drawView } from "../../../data/pictures/draw_view.ts";
import { openPicture, pictureOf } from "../../../data/pictures/picture.ts";
import { validationView, type View } from "../../../data/pictures/view.ts";
import { readWeights } from "../../../lib/weights/read_weights.ts";
import { oracleBeside } from "../../support/beside.ts";
import { drawJpeg, drawPicture } from "../../support/pictures.ts";

/** PIL's bilinear resize of one axis in float64, `[outputs][inputs]` weights, each row normalised. */
function triangle(input: number, output: number): number[][] {
  const scale = input / output;
  const support = Math.max(1, scale);
  return Array.from({ length: output }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const row = Array.from(
      { length: input },
      (_, from) => Math.max(0, 1 - Math.abs(from + 0.5 - centre) / support),
    );
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((weight) => weight / sum);
  });
}

/** What a view shows, as float64 loops over the whole picture. */
function reference(pixels: Uint8Array, pictureWidth: number, view: View): number[] {
  const { crop, window, flip } = view;
  const [across, down] = [triangle(crop.width, view.width), triangle(crop.height, view.height)];
  const out: number[] = [];
  for (let channel = 0; channel < 3; channel++) {
    for (let y = window.top; y < window.top + window.height; y++) {
      for (let column = 0; column < window.width; column++) {
        const x = window.left + (flip ? window.width - 1 - column : column);
        let sum = 0;
        down[y]?.forEach((v, row) => {
          if (v === 0) return;
          across[x]?.forEach((u, from) => {
            if (u === 0) return;
            const at = (crop.top + row) * pictureWidth + crop.left + from;
            sum += v * u * (pixels[3 * at + channel] ?? NaN);
          });
        });
        out.push(sum);
      }
    }
  }
  return out;
}

Deno.test("drawView: resizes as the formula, larger and smaller, whole and in part, mirrored or not", async () => {
  const [width, height] = [53, 41];
  const pixels = drawPicture({ width, height, seed: 3 });
  const picture = pictureOf({ width, height, pixels });
  const full = (side: number) => ({ left: 0, top: 0, width: side, height: side });
  const views: View[] = [
    {
      crop: { left: 5, top: 7, width: 40, height: 30 },
      width: 16,
      height: 16,
      window: full(16),
      flip: false,
    },
    {
      crop: { left: 0, top: 3, width: 20, height: 22 },
      width: 31,
      height: 31,
      window: full(31),
      flip: true,
    },
    {
      crop: { left: 50, top: 40, width: 1, height: 1 },
      width: 4,
      height: 4,
      window: full(4),
      flip: false,
    },
    {
      crop: { left: 3, top: 0, width: 50, height: 41 },
      width: 3,
      height: 3,
      window: full(3),
      flip: true,
    },
    { ...validationView({ width, height }, { size: 14, resize: 16 }) },
  ];
  for (const view of views) {
    const into = new Uint8Array(3 * view.window.width * view.window.height);
    await drawView(picture, { view, mayReduce: true, into });
    const wanted = reference(pixels, width, view);
    // Each of the two passes rounds to bytes.
    wanted.forEach((value, at) => {
      const off = Math.abs((into[at] ?? NaN) - value);
      assert.ok(off <= 1.01, `pixel ${at}: wanted ${value}, found ${into[at]}`);
    });
  }
});

Deno.test("drawView: a reduction while decoding comes near the plain way", async () => {
  const size = { width: 333, height: 271, seed: 8 };
  const picture = await openPicture(await drawJpeg(size));
  const crop = { left: 31, top: 12, width: 290, height: 240 };
  const window = { left: 0, top: 0, width: 32, height: 32 };
  const view = { crop, width: 32, height: 32, window, flip: false };
  const [plain, reduced] = [new Uint8Array(3 * 1024), new Uint8Array(3 * 1024)];
  await drawView(picture, { view, mayReduce: false, into: plain });
  await drawView(picture, { view, mayReduce: true, into: reduced });
  const offs = plain.map((value, at) => Math.abs(value - (reduced[at] ?? NaN)));
  assert.notDeepEqual(plain, reduced);
  assert.ok(Math.max(...offs) <= 8, `wanted at most 8 levels, found ${Math.max(...offs)}`);
  const mean = offs.reduce((a, b) => a + b, 0) / offs.length;
  assert.ok(mean < 2, `wanted less than 2 levels in the mean, found ${mean}`);
});

const found = await oracleBeside();

Deno.test({
  name: "drawView: validation sees photographs as PIL does",
  // The photographs may not be handed on, so they lie beside the project where its makers have them.
  ignore: found === null,
  fn: async () => {
    const names = ["n02099601_golden_retriever.JPEG", "n02504458_African_elephant.JPEG"];
    const { tensors } = await readWeights(`${found}imagenet/preprocess_u8.npz`);
    for (const [at, name] of names.entries()) {
      const picture = await openPicture(await Deno.readFile(`${found}imagenet/${name}`));
      const view = validationView(picture, { size: 224, resize: 256 });
      const into = new Uint8Array(3 * 224 * 224);
      await drawView(picture, { view, mayReduce: false, into });
      const wanted = tensors.get(`cropped${at}`)?.data ?? new Uint8Array();
      const off = into.map((value, i) =>
        Math.abs(value - (wanted[3 * (i % 50176) + Math.floor(i / 50176)] ?? NaN))
      );
      const worst = off.reduce((a, b) => Math.max(a, b), 0);
      assert.equal(worst, 0, `${name}: wanted PIL's pixels, found one ${worst} levels off`);
    }
  },
});
