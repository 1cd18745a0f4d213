import assert from "node:assert/strict";
import { Draws } from "../../../lib/random.ts";
import { drawScene, FIGURES } from "../../../data/shapes/scene.ts";

const SIZE = 32;
const PLANE = SIZE * SIZE;

function brightShare(figure: number, key: number): number {
  const bytes = new Uint8Array(3 * PLANE);
  drawScene(figure, { size: SIZE, draws: new Draws(key) }).write(bytes);
  let bright = 0;
  for (let pixel = 0; pixel < PLANE; pixel++) {
    const sum = [0, 1, 2].reduce((total, plane) => total + (bytes[plane * PLANE + pixel] ?? 0), 0);
    if (sum > 3 * 140) bright++;
  }
  return bright / PLANE;
}

function meanShare(figure: number): number {
  const keys = Array.from({ length: 40 }, (_, key) => key);
  return keys.reduce((sum, key) => sum + brightShare(figure, key), 0) / keys.length;
}

Deno.test("drawScene: ten figures, the filled ones larger than their bands", () => {
  assert.equal(FIGURES, 10);
  for (let figure = 0; figure < FIGURES; figure += 2) {
    const [filled, band] = [meanShare(figure), meanShare(figure + 1)];
    assert(filled > band * 1.1, `figure ${figure}: ${filled} filled, ${band} as a band`);
    assert(band > 0.04 && filled < 0.5);
  }
});

Deno.test("drawScene: the figure alone changes with the label, its ground does not", () => {
  const pictures = Array.from({ length: FIGURES }, (_, figure) => {
    const bytes = new Uint8Array(3 * PLANE);
    drawScene(figure, { size: SIZE, draws: new Draws(17) }).write(bytes);
    return bytes;
  });
  const distinct = new Set(pictures.map((bytes) => bytes.join()));
  assert.equal(distinct.size, FIGURES);
  assert.equal(new Set(pictures.map((bytes) => bytes[0])).size, 1);
});
