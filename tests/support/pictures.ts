import { join } from "node:path";
import { sharp } from "../../data/pictures/sharp.ts";
import { randomStream } from "./random.ts";

/** A drawn picture: colours that change slowly, with a little noise, `[height, width, 3]`. */
export function drawPicture(
  { width, height, seed }: { width: number; height: number; seed: number },
): Uint8Array<ArrayBuffer> {
  const next = randomStream(seed);
  const waves = Array.from({ length: 3 }, () => [next() / 20, next() / 20, 6 * next()]);
  const pixels = new Uint8Array(3 * width * height);
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    const [across = 0, down = 0, phase = 0] = waves[at % 3] ?? [];
    pixels[at] = 128 + 110 * Math.sin(across * x + down * y + phase) + 16 * next();
  }
  return pixels;
}

/** A drawn JPEG file. */
export async function drawJpeg(
  size: { width: number; height: number; seed: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height } = size;
  const raw = { width, height, channels: 3 } as const;
  return new Uint8Array(await sharp(drawPicture(size), { raw }).jpeg({ quality: 90 }).toBuffer());
}

/** A drawn JPEG file about as large as a photograph's of that size: ellipses over slow colours, and noise. */
export async function drawDetailedJpeg(
  size: { width: number; height: number; seed: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, seed } = size;
  const pixels = drawPicture(size);
  const next = randomStream(seed);
  for (let figure = 0; figure < 40; figure++) {
    const [x, y, radius] = [width * next(), height * next(), 5 + 55 * next()];
    const colour = [256 * next(), 256 * next(), 256 * next()];
    for (let row = Math.max(0, Math.ceil(y - radius)); row < Math.min(height, y + radius); row++) {
      const half = Math.sqrt(Math.max(0, radius ** 2 - (row - y) ** 2));
      for (let at = Math.max(0, Math.ceil(x - half)); at < Math.min(width, x + half); at++) {
        pixels.set(colour, 3 * (row * width + at));
      }
    }
  }
  for (let at = 0; at < pixels.length; at++) {
    const noise = 24 * (next() + next() - 1);
    pixels[at] = Math.min(255, Math.max(0, (pixels[at] ?? 0) + noise));
  }
  const raw = { width, height, channels: 3 } as const;
  return new Uint8Array(await sharp(pixels, { raw }).jpeg({ quality: 90 }).toBuffer());
}

/** A folder of drawn JPEG files of several sizes, `train/<class>` and `val/<class>`. */
export async function drawFolder(
  root: string,
  { classes, train, val }: { classes: number; train: number; val: number },
): Promise<void> {
  let seed = 1;
  for (const [split, images] of [["train", train], ["val", val]] as const) {
    for (let label = 0; label < classes; label++) {
      const folder = join(root, split, `class${label}`);
      await Deno.mkdir(folder, { recursive: true });
      for (let at = 0; at < images; at++) {
        const size = { width: 40 + seed * 13 % 50, height: 36 + seed * 7 % 60, seed: seed++ };
        await Deno.writeFile(join(folder, `${at}.JPEG`), await drawJpeg(size));
      }
    }
  }
}
