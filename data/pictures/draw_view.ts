import type { Picture } from "./picture.ts";
import { resample } from "./resample.ts";
import { bilinearTaps, type Taps } from "./taps.ts";
import type { Box, View } from "./view.ts";

/**
 * Decodes what a view shows of a picture and resizes it as PIL would.
 *
 * A part that decoding alone can reduce to no less than the wanted size is reduced so first, where that is allowed;
 * then the result is within half a pixel of PIL's, otherwise equal to it.
 *
 * @param picture The picture.
 * @param options.view What is shown.
 * @param options.mayReduce Whether decoding may reduce.
 * @param options.into Where the planes go, `[3, height, width]` of the view's window.
 * @throws {Error} If the picture is damaged.
 */
export async function drawView(
  picture: Picture,
  { view, mayReduce, into }: { view: View; mayReduce: boolean; into: Uint8Array },
): Promise<void> {
  const reduction = mayReduce ? reductionFor(picture, view) : 1;
  const { window } = view;
  const crop = reduction === 1 ? view.crop : reduced(picture, view.crop, reduction);
  const across = bilinearTaps(crop.width, {
    from: view.crop.left / reduction - crop.left,
    length: view.crop.width / reduction,
    output: view.width,
    begin: window.left,
    count: window.width,
  });
  const down = bilinearTaps(crop.height, {
    from: view.crop.top / reduction - crop.top,
    length: view.crop.height / reduction,
    output: view.height,
    begin: window.top,
    count: window.height,
  });
  const [left, right] = extent(across);
  const [top, bottom] = extent(down);
  const box = {
    left: crop.left + left,
    top: crop.top + top,
    width: right - left,
    height: bottom - top,
  };
  using patch = await picture.read(box, reduction);
  const placed = { ...patch, left: patch.left - left, top: patch.top - top };
  resample(placed, { across, down, flip: view.flip, into });
}

function reductionFor({ reductions }: Picture, { crop, width, height }: View): number {
  const fits = (by: number) => crop.width >= by * (width + 1) && crop.height >= by * (height + 1);
  return reductions.find(fits) ?? 1;
}

/** The whole pixels of a reduced picture that hold a part. */
function reduced(picture: Picture, crop: Box, by: number): Box {
  const left = Math.floor(crop.left / by);
  const top = Math.floor(crop.top / by);
  const right = Math.min(Math.ceil((crop.left + crop.width) / by), Math.floor(picture.width / by));
  const bottom = Math.min(
    Math.ceil((crop.top + crop.height) / by),
    Math.floor(picture.height / by),
  );
  return { left, top, width: right - left, height: bottom - top };
}

function extent({ first, taps }: Taps): [number, number] {
  const low = first.reduce((a, b) => Math.min(a, b), Infinity);
  return [low, first.reduce((a, b) => Math.max(a, b), 0) + taps];
}
