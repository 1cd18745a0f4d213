import assert from "node:assert/strict";
import { circle, hollow, type Point, polygon, stroke } from "../../../data/shapes/outlines.ts";

const L: readonly Point[] = [[0, 0], [4, 0], [4, 1], [1, 1], [1, 4], [0, 4]];

function near(found: number, expected: number): void {
  assert(Math.abs(found - expected) < 1e-12, `${found} for ${expected}`);
}

Deno.test("circle: negative inside, positive outside, from its centre", () => {
  const distance = circle([3, -1], 2);
  near(distance(3, -1), -2);
  near(distance(5, -1), 0);
  near(distance(6, 3), 3);
});

Deno.test("stroke: round ends, and half the thickness to either side", () => {
  const distance = stroke([1, 1], { along: [0, 3], thickness: 1 });
  near(distance(1, 2), -0.5);
  near(distance(3, 2), 1.5);
  near(distance(1, 6), 1.5);
  near(distance(4, -3), 4.5);
});

Deno.test("polygon: a concave one, inside, in its notch and beyond a corner", () => {
  const distance = polygon(L);
  near(distance(0.5, 0.5), -0.5);
  near(distance(0.4, 3), -0.4);
  near(distance(2, 3), 1);
  near(distance(3, 3), 2);
  near(distance(7, 5), 5);
  near(distance(-3, 8), 5);
});

Deno.test("polygon: either way round, and from rows that meet a corner", () => {
  const [forward, backward] = [polygon(L), polygon(L.toReversed())];
  for (let x = -1; x <= 5; x += 0.5) {
    for (let y = -1; y <= 5; y += 0.5) near(backward(x, y), forward(x, y));
  }
  for (const x of [-1, 2, 5]) assert(forward(x, 1) >= 0);
  assert(forward(0.5, 1) < 0);
});

Deno.test("hollow: the band lies inside the solid's edge", () => {
  const band = hollow(circle([0, 0], 5), 2);
  near(band(6, 0), 1);
  near(band(5, 0), 0);
  near(band(4, 0), -1);
  near(band(3, 0), 0);
  near(band(0, 1), 2);
});
