import type { Draws } from "../../lib/random.ts";
import { partOf } from "./part.ts";

/** A rectangle of whole pixels. */
export interface Box {
  /** Columns before it. */
  readonly left: number;
  /** Rows before it. */
  readonly top: number;
  /** Its columns. */
  readonly width: number;
  /** Its rows. */
  readonly height: number;
}

/** What becomes of a picture: a part of it is cut out, resized, cut again and perhaps mirrored. */
export interface View {
  /** The part that is cut out first; nothing beside it counts. */
  readonly crop: Box;
  /** The width that the part is resized to. */
  readonly width: number;
  /** The height that the part is resized to. */
  readonly height: number;
  /** The square of the resized part that is kept. */
  readonly window: Box;
  /** Whether it is mirrored, left to right. */
  readonly flip: boolean;
}

/** Width and height of a picture, in pixels. */
export interface Size {
  /** The width. */
  readonly width: number;
  /** The height. */
  readonly height: number;
}

/** Which part of a picture training sees: a random one resized, or a random square of the resized picture. */
export type TrainingCrop = "resized" | "random";

const LEAST_SCALE = 0.08;
const LEAST_RATIO = 3 / 4;
const MOST_RATIO = 4 / 3;

/**
 * Draws a training view, as torchvision's `RandomResizedCrop(size)` and `RandomHorizontalFlip`: a part of 8 to 100 % of
 * the area, 3:4 to 4:3 wide; after ten parts that do not fit, the largest central one.
 *
 * @param picture The picture's size.
 * @param options.size The side of the result.
 * @param options.draws Where crop and flip come from.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Draws } from "../../lib/random.ts";
 *
 * const view = trainingView({ width: 500, height: 375 }, { size: 224, draws: new Draws(1) });
 * assert.ok(view.crop.left + view.crop.width <= 500);
 * assert.deepEqual(view.window, { left: 0, top: 0, width: 224, height: 224 });
 * ```
 */
export function trainingView(
  picture: Size,
  { size, draws }: { size: number; draws: Draws },
): View {
  const flip = draws.next() % 2 === 1;
  const crop = drawCrop(picture, draws) ?? centralCrop(picture);
  const window = { left: 0, top: 0, width: size, height: size };
  return { crop, width: size, height: size, window, flip };
}

function drawCrop(picture: Size, draws: Draws): Box | null {
  for (let tries = 0; tries < 10; tries++) {
    const area = picture.width * picture.height * draws.between(LEAST_SCALE, 1);
    const ratio = Math.exp(draws.between(Math.log(LEAST_RATIO), Math.log(MOST_RATIO)));
    const width = roundToEven(Math.sqrt(area * ratio));
    const height = roundToEven(Math.sqrt(area / ratio));
    if (width < 1 || height < 1 || width > picture.width || height > picture.height) continue;
    const top = draws.below(picture.height - height + 1);
    return { left: draws.below(picture.width - width + 1), top, width, height };
  }
  return null;
}

function centralCrop(picture: Size): Box {
  const ratio = picture.width / picture.height;
  const width = ratio > MOST_RATIO ? roundToEven(picture.height * MOST_RATIO) : picture.width;
  const height = ratio < LEAST_RATIO ? roundToEven(picture.width / LEAST_RATIO) : picture.height;
  const left = Math.floor((picture.width - width) / 2);
  return { left, top: Math.floor((picture.height - height) / 2), width, height };
}

/** The side that validation resizes the shorter side to before it crops: 256 for 224. */
export function resizeFor(size: number): number {
  return Math.round(size * 256 / 224);
}

/**
 * The size of a picture whose shorter side is resized, as torchvision's `Resize` rounds it.
 *
 * @param picture The picture's size.
 * @param side The new shorter side.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(resizedTo({ width: 500, height: 375 }, 256), { width: 341, height: 256 });
 * ```
 */
export function resizedTo({ width, height }: Size, side: number): Size {
  return width <= height
    ? { width: side, height: Math.trunc(side * height / width) }
    : { width: Math.trunc(side * width / height), height: side };
}

/**
 * The view that validation has of a picture, as torchvision's `Resize(resize)` and `CenterCrop(size)`.
 *
 * @param picture The picture's size.
 * @param options.size The side of the result.
 * @param options.resize The shorter side before the crop; at least `size`.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const { window } = validationView({ width: 300, height: 500 }, { size: 224, resize: 256 });
 * assert.deepEqual(window, { left: 16, top: 101, width: 224, height: 224 });
 * ```
 */
export function validationView(
  picture: Size,
  { size, resize }: { size: number; resize: number },
): View {
  const { width, height } = resizedTo(picture, resize);
  const left = roundToEven((width - size) / 2);
  const window = { left, top: roundToEven((height - size) / 2), width: size, height: size };
  return { crop: partOf(picture, null), width, height, window, flip: false };
}

/**
 * Draws a training view, as torchvision's `Resize(resize)`, `RandomCrop(size)` and `RandomHorizontalFlip`.
 *
 * @param picture The picture's size.
 * @param options.size The side of the result.
 * @param options.resize The shorter side before the crop; at least `size`.
 * @param options.draws Where crop and flip come from.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Draws } from "../../lib/random.ts";
 *
 * const draws = new Draws(1);
 * const view = randomCropView({ width: 300, height: 500 }, { size: 224, resize: 256, draws });
 * assert.deepEqual([view.width, view.height, view.window.width], [256, 426, 224]);
 * assert.ok(view.window.left <= 32 && view.window.top <= 202);
 * ```
 */
export function randomCropView(
  picture: Size,
  { size, resize, draws }: { size: number; resize: number; draws: Draws },
): View {
  const flip = draws.next() % 2 === 1;
  const { width, height } = resizedTo(picture, resize);
  const top = draws.below(height - size + 1);
  const window = { left: draws.below(width - size + 1), top, width: size, height: size };
  return { crop: partOf(picture, null), width, height, window, flip };
}

/** Rounds a half to the even neighbour, as Python does. */
function roundToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}
