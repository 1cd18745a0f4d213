import assert from "node:assert/strict";
import { Draws } from "../../../lib/random.ts";
import { circle, type Distance, hollow, polygon } from "../../../data/shapes/outlines.ts";
import { Canvas, type Colour } from "../../../data/shapes/canvas.ts";

const SIZE = 16;
const PLANE = SIZE * SIZE;

function bytesOf(canvas: Canvas): Uint8Array {
  const bytes = new Uint8Array(3 * PLANE);
  canvas.write(bytes);
  return bytes;
}

function paintEachPixel(
  distance: Distance,
  { ground, colour, softness }: { ground: Colour; colour: Colour; softness: number },
): Uint8Array {
  return Uint8Array.from({ length: 3 * PLANE }, (_, at) => {
    const [channel, pixel] = [Math.floor(at / PLANE), at % PLANE];
    const away = distance(pixel % SIZE + 0.5, Math.floor(pixel / SIZE) + 0.5);
    const coverage = Math.min(Math.max(0.5 - away / softness, 0), 1);
    const below = ground[channel] ?? 0;
    return Math.round(below + coverage * ((colour[channel] ?? 0) - below));
  });
}

Deno.test("Canvas: the ground is asked at the centre of each pixel, row by row", () => {
  const bytes = bytesOf(new Canvas(SIZE, (x, y) => [x * 2, y * 2, 7]));
  assert.deepEqual([bytes[0], bytes[1], bytes[SIZE]], [1, 3, 1]);
  assert.deepEqual([bytes[PLANE], bytes[PLANE + 1], bytes[PLANE + SIZE]], [1, 1, 3]);
  assert.equal(bytes.at(-1), 7);
});

Deno.test("Canvas: painting covers what the distance at every pixel says", () => {
  const ground: Colour = [10, 20, 30];
  const colour: Colour = [250, 90, 0];
  const triangle = polygon([[2, 2], [14, 4], [5, 13]]);
  for (const shape of [circle([7.3, 8.1], 5), hollow(circle([3, 3], 6), 2), triangle]) {
    for (const softness of [1, 1.7, 3]) {
      const canvas = new Canvas(SIZE, () => ground);
      canvas.paint(shape, { colour, softness });
      assert.deepEqual(
        bytesOf(canvas),
        paintEachPixel(shape, { ground, colour, softness }),
      );
    }
  }
});

Deno.test("Canvas: later paint lies over earlier paint", () => {
  const canvas = new Canvas(SIZE, () => [0, 0, 0]);
  const whole = circle([8, 8], 50);
  canvas.paint(whole, { colour: [10, 10, 10], softness: 1 });
  canvas.paint(whole, { colour: [20, 30, 40], softness: 1 });
  const bytes = bytesOf(canvas);
  assert.deepEqual([bytes[0], bytes[PLANE], bytes[2 * PLANE]], [20, 30, 40]);
});

Deno.test("Canvas: noise has mean 0 and its standard deviation", () => {
  const canvas = new Canvas(SIZE, () => [128, 128, 128]);
  canvas.addNoise(new Draws(4), 10);
  const values = [...bytesOf(canvas)].map((value) => value - 128);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  assert(Math.abs(mean) < 1.5, `mean ${mean}`);
  assert(Math.abs(Math.sqrt(variance) - 10) < 1, `standard deviation ${Math.sqrt(variance)}`);
});

Deno.test("Canvas: values beyond the range of a byte become its bounds", () => {
  const bytes = bytesOf(new Canvas(SIZE, () => [-40, 300, 254.6]));
  assert.deepEqual([bytes[0], bytes[PLANE], bytes[2 * PLANE]], [0, 255, 255]);
});

Deno.test("Canvas: bytes are averaged, after they were bounded", () => {
  const values = [[1, 1, 300, 200], [1, 4, 200, 200]];
  const canvas = new Canvas(4, (x, y) => {
    const value = values[Math.floor(y)]?.[Math.floor(x)] ?? 7;
    return [value, value, 9];
  });
  const bytes = new Uint8Array(3 * 2 * 2);
  canvas.write(bytes, { shrink: 2 });
  assert.deepEqual([...bytes], [2, 214, 7, 7, 2, 214, 7, 7, 9, 9, 9, 9]);
});
