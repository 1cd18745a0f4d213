import assert from "node:assert/strict";
import {
  randomCropView,
  resizedTo,
  trainingView,
  validationView,
} from "../../../data/pictures/view.ts";
import { Draws } from "../../../lib/random.ts";

Deno.test("trainingView: areas, ratios and places are spread as RandomResizedCrop's", () => {
  const picture = { width: 500, height: 375 };
  const views = Array.from(
    { length: 4000 },
    (_, at) => trainingView(picture, { size: 224, draws: new Draws(at) }),
  );
  const areas = views.map(({ crop }) => crop.width * crop.height / (500 * 375));
  const ratios = views.map(({ crop }) => crop.width / crop.height);
  assert.ok(Math.min(...areas) > 0.078 && Math.max(...areas) <= 1);
  assert.ok(Math.min(...ratios) > 0.73 && Math.max(...ratios) < 1.37);
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  // What torchvision's own loop gives for this size, over 400,000 draws.
  assert.ok(Math.abs(mean(areas) - 0.4327) < 0.012, `area: found ${mean(areas)}`);
  assert.ok(Math.abs(mean(ratios) - 1.045) < 0.012, `ratio: found ${mean(ratios)}`);
  const lefts = views.map(({ crop }) => crop.left / Math.max(1, 500 - crop.width));
  assert.ok(Math.abs(mean(lefts) - 0.5) < 0.03, `left: found ${mean(lefts)}`);
  const flips = views.filter(({ flip }) => flip).length;
  assert.ok(flips > 1880 && flips < 2120, `flips: found ${flips}`);
  assert.ok(
    views.every(({ crop: { left, top, width, height } }) =>
      left >= 0 && top >= 0 && left + width <= 500 && top + height <= 375
    ),
  );
});

Deno.test("trainingView: a picture too long for any part gives its centre", () => {
  const draws = new Draws(1);
  const wide = trainingView({ width: 1000, height: 10 }, { size: 8, draws });
  assert.deepEqual(wide.crop, { left: 493, top: 0, width: 13, height: 10 });
  const tall = trainingView({ width: 10, height: 1001 }, { size: 8, draws });
  assert.deepEqual(tall.crop, { left: 0, top: 494, width: 10, height: 13 });
});

Deno.test("validationView: rounds as torchvision", () => {
  assert.deepEqual(resizedTo({ width: 300, height: 500 }, 256), { width: 256, height: 426 });
  assert.deepEqual(resizedTo({ width: 100, height: 100 }, 32), { width: 32, height: 32 });
  const { window } = validationView({ width: 500, height: 375 }, { size: 224, resize: 256 });
  assert.deepEqual(window, { left: 58, top: 16, width: 224, height: 224 });
});

Deno.test("randomCropView: every place of the window and both sides, as RandomCrop's", () => {
  const picture = { width: 500, height: 375 };
  const views = Array.from(
    { length: 4000 },
    (_, at) => randomCropView(picture, { size: 224, resize: 256, draws: new Draws(at) }),
  );
  for (const { crop, width, height } of views) {
    assert.deepEqual(crop, { left: 0, top: 0, ...picture });
    assert.deepEqual([width, height], [341, 256]);
  }
  for (const [side, most] of [["left", 341 - 224], ["top", 256 - 224]] as const) {
    const places = views.map(({ window }) => window[side]);
    assert.deepEqual([Math.min(...places), Math.max(...places)], [0, most]);
    assert.equal(new Set(places).size, most + 1);
    const mean = places.reduce((a, b) => a + b, 0) / places.length;
    assert.ok(Math.abs(mean / most - 0.5) < 0.02, `${side}: found ${mean} of ${most}`);
  }
  assert.ok(views.every(({ window }) => window.width === 224 && window.height === 224));
  const flips = views.filter(({ flip }) => flip).length;
  assert.ok(flips > 1880 && flips < 2120, `flips: found ${flips}`);
});

Deno.test("randomCropView: a picture as large as the result has one place", () => {
  const draws = new Draws(1);
  const view = randomCropView({ width: 9, height: 9 }, { size: 9, resize: 9, draws });
  assert.deepEqual(view.window, { left: 0, top: 0, width: 9, height: 9 });
});
