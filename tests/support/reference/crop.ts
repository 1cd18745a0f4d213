/** How an image was cropped: the place in the padded, flipped image, and whether it was flipped. */
export interface Crop {
  readonly dy: number;
  readonly dx: number;
  readonly flip: boolean;
}

/** The image padded by reflection, the edge not repeated: `[3, size, size]` bytes to `[3, side, side]`. */
export function reflectPad(
  image: Uint8Array,
  { size, padding }: { size: number; padding: number },
): Uint8Array {
  const side = size + 2 * padding;
  const reflected = (at: number) => {
    const place = Math.abs(at - padding);
    return place < size ? place : 2 * (size - 1) - place;
  };
  return Uint8Array.from({ length: 3 * side * side }, (_, at) => {
    const [c, y, x] = [Math.floor(at / side / side), Math.floor(at / side) % side, at % side];
    return image[(c * size + reflected(y)) * size + reflected(x)] ?? NaN;
  });
}

/** The byte of a crop at a pixel and a channel. */
export function croppedByte(
  padded: Uint8Array,
  { crop: { dy, dx, flip }, side, y, x, c }: {
    crop: Crop;
    side: number;
    y: number;
    x: number;
    c: number;
  },
): number {
  const across = flip ? side - 1 - (x + dx) : x + dx;
  return padded[(c * side + y + dy) * side + across] ?? NaN;
}

/** All crops of padded images that agree with the bytes of a batch's image, `[size, size, 3]`. */
export function cropsThatFit(
  padded: Uint8Array,
  { found, size, padding }: { found: ArrayLike<number>; size: number; padding: number },
): Crop[] {
  const side = size + 2 * padding;
  const fits = (crop: Crop) => {
    for (let at = 0; at < 3 * size * size; at++) {
      const [y, x, c] = [Math.floor(at / 3 / size), Math.floor(at / 3) % size, at % 3];
      if (croppedByte(padded, { crop, side, y, x, c }) !== found[at]) return false;
    }
    return true;
  };
  const span = 2 * padding + 1;
  return Array.from({ length: 2 * span * span }, (_, at) => ({
    dy: Math.floor(at / 2 / span),
    dx: Math.floor(at / 2) % span,
    flip: at % 2 === 1,
  })).filter(fits);
}
