import type { Box, Size, View } from "./view.ts";

/**
 * The part of a picture that counts.
 *
 * @param picture The picture's size.
 * @param crop The part that is wanted, which may reach beyond the picture; `null` for all of it.
 * @returns What the picture has of it.
 * @throws {RangeError} If it has nothing.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const crop = { left: -2, top: 10, width: 9, height: 30 };
 * const part = partOf({ width: 60, height: 30 }, crop);
 * assert.deepEqual(part, { left: 0, top: 10, width: 7, height: 20 });
 * ```
 */
export function partOf({ width, height }: Size, crop: Box | null): Box {
  if (crop === null) return { left: 0, top: 0, width, height };
  const [left, top] = [Math.max(0, crop.left), Math.max(0, crop.top)];
  const right = Math.min(width, crop.left + crop.width);
  const bottom = Math.min(height, crop.top + crop.height);
  if (left < right && top < bottom) return { left, top, width: right - left, height: bottom - top };
  throw new RangeError(
    `its box of ${crop.width}x${crop.height} at (${crop.left}, ${crop.top}) must share pixels with the picture of ${width}x${height}`,
  );
}

/**
 * What a view of a part of a picture is as a view of the picture.
 *
 * @param part The part.
 * @param view The view of a picture that is the part and nothing else.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { validationView } from "./view.ts";
 *
 * const part = { left: 5, top: 10, width: 20, height: 30 };
 * const view = viewWithin(part, validationView(part, { size: 14, resize: 16 }));
 * assert.deepEqual(view.crop, part);
 * ```
 */
export function viewWithin(part: Box, view: View): View {
  const { left, top, width, height } = view.crop;
  return { ...view, crop: { left: part.left + left, top: part.top + top, width, height } };
}
