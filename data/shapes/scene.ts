import type { Draws } from "../../lib/random.ts";
import { circle, type Distance, hollow, type Point, polygon, stroke } from "./outlines.ts";
import { Canvas, type Colour } from "./canvas.ts";

const GROUND = { low: 20, high: 110 };
const FIGURE = { low: 140, high: 255 };
const LEAST_CONTRAST = 255;
const GRADIENT = 30;
const SOFTNESS = { low: 1, high: 2 };
const NOISE = 8;
const RADIUS = { low: 7, high: 13 };
const MARGIN = 0.9;
const SQUEEZE = { low: 0.8, high: 1 };
const BAND = { low: 1.5, high: 2.6 };
const STROKE = { length: { low: 2, high: 8 }, thickness: { low: 1, high: 3.5 } };
const ROUND = 0.9;

const TRIANGLE: readonly Point[] = [[0, -1], [0.866, 0.5], [-0.866, 0.5]];
const SQUARE: readonly Point[] = [[-0.78, -0.78], [0.78, -0.78], [0.78, 0.78], [-0.78, 0.78]];
const STAR: readonly Point[] = [
  [0, -1],
  [0.265, -0.364],
  [0.951, -0.309],
  [0.428, 0.139],
  [0.588, 0.809],
  [0, 0.45],
  [-0.588, 0.809],
  [-0.428, 0.139],
  [-0.951, -0.309],
  [-0.265, -0.364],
];
const CROSS: readonly Point[] = [
  [-0.35, -1],
  [0.35, -1],
  [0.35, -0.35],
  [1, -0.35],
  [1, 0.35],
  [0.35, 0.35],
  [0.35, 1],
  [-0.35, 1],
  [-0.35, 0.35],
  [-1, 0.35],
  [-1, -0.35],
  [-0.35, -0.35],
];
const POLYGONS = [TRIANGLE, SQUARE, STAR, CROSS];

/** How many kinds of figure there are: five outlines, each filled and as a band. */
export const FIGURES: number = 2 * (1 + POLYGONS.length);

interface Range {
  readonly low: number;
  readonly high: number;
}

/**
 * Draws a scene: a dark ground, short strokes as clutter, one brighter figure, noise.
 *
 * Only `+ - * /` and square roots make it, which every machine rounds alike.
 *
 * @param figure Which figure: twice its outline (circle, triangle, square, star, cross), plus one
 * for a band instead of a filled shape.
 * @param options The picture's height and width in pixels, and where colours, places, sizes and
 * noise come from.
 * @returns The canvas that it is painted on.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Draws } from "../../lib/random.ts";
 *
 * const bytes = new Uint8Array(3 * 32 * 32);
 * drawScene(4, { size: 32, draws: new Draws(1) }).write(bytes);
 * assert(new Set(bytes).size > 50);
 * ```
 */
export function drawScene(
  figure: number,
  { size, draws }: { readonly size: number; readonly draws: Draws },
): Canvas {
  const ground = colourFrom(draws, GROUND);
  const [right, down] = [draws.between(-GRADIENT, GRADIENT), draws.between(-GRADIENT, GRADIENT)];
  const canvas = new Canvas(size, (x, y) => {
    const light = right * (x / size - 0.5) + down * (y / size - 0.5);
    return [ground[0] + light, ground[1] + light, ground[2] + light];
  });
  const softness = between(draws, SOFTNESS);
  const paint = (distance: Distance) =>
    canvas.paint(distance, { colour: brighter(draws, ground), softness });
  for (let strokes = 1 + draws.below(2); strokes > 0; strokes--) paint(drawStroke(draws, size));
  paint(drawFigure(figure, { size, draws }));
  for (let strokes = draws.below(2); strokes > 0; strokes--) paint(drawStroke(draws, size));
  canvas.addNoise(draws, NOISE);
  return canvas;
}

function drawStroke(draws: Draws, size: number): Distance {
  const from: Point = [draws.between(0, size), draws.between(0, size)];
  const length = between(draws, STROKE.length);
  const [right, down] = direction(draws);
  return stroke(from, {
    along: [right * length, down * length],
    thickness: between(draws, STROKE.thickness),
  });
}

function drawFigure(
  figure: number,
  { size, draws }: { readonly size: number; readonly draws: Draws },
): Distance {
  const radius = between(draws, RADIUS);
  const margin = radius * MARGIN;
  const [centreX, centreY] = [
    draws.between(margin, size - margin),
    draws.between(margin, size - margin),
  ];
  const [right, down] = direction(draws);
  const squeezed = radius * between(draws, SQUEEZE);
  const band = between(draws, BAND);
  const corners = POLYGONS[(figure >> 1) - 1];
  const solid = corners === undefined
    ? circle([centreX, centreY], radius * ROUND)
    : polygon(corners.map(([x, y]): Point => [
      centreX + right * x * radius - down * y * squeezed,
      centreY + down * x * radius + right * y * squeezed,
    ]));
  return figure % 2 === 1 ? hollow(solid, band) : solid;
}

function between(draws: Draws, { low, high }: Range): number {
  return draws.between(low, high);
}

function colourFrom(draws: Draws, range: Range): Colour {
  return [between(draws, range), between(draws, range), between(draws, range)];
}

function brighter(draws: Draws, ground: Colour): Colour {
  for (;;) {
    const colour = colourFrom(draws, FIGURE);
    const contrast = colour[0] + colour[1] + colour[2] - ground[0] - ground[1] - ground[2];
    if (contrast >= LEAST_CONTRAST) return colour;
  }
}

/** A unit vector by the rational half-angle formulas, since sines differ between machines. */
function direction(draws: Draws): Point {
  const half = draws.between(-1, 1);
  const scale = (draws.below(2) === 0 ? 1 : -1) / (1 + half * half);
  return [scale * (1 - half * half), scale * 2 * half];
}
