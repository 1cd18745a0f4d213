/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { drawView } from "../pictures/draw_view.ts";
import { partOf } from "../pictures/part.ts";
import { openPicture } from "../pictures/picture.ts";
import { sharp } from "../pictures/sharp.ts";
import { resizedTo } from "../pictures/view.ts";
import { reasonOf } from "../reason_of.ts";
import type { PackReply, PackRequest } from "./pack_messages.ts";

async function pack({ place, size, quality }: PackRequest): Promise<PackReply> {
  const picture = await openPicture(await Deno.readFile(place.path));
  const crop = partOf(picture, place.box);
  const { width, height } = resizedTo(crop, size);
  const planes = new Uint8Array(3 * width * height);
  const window = { left: 0, top: 0, width, height };
  const view = { crop, width, height, window, flip: false };
  await drawView(picture, { view, mayReduce: false, into: planes });
  const pixels = new Uint8Array(planes.length);
  for (let at = 0; at < pixels.length; at++) {
    pixels[at] = planes[at % 3 * width * height + Math.floor(at / 3)] ?? 0;
  }
  if (quality === null) return { bytes: pixels, width, height };
  const file = await sharp(pixels, { raw: { width, height, channels: 3 } }).jpeg({ quality })
    .toBuffer();
  return { bytes: new Uint8Array(file), width, height };
}

self.onmessage = async (
  { data: { id, request } }: MessageEvent<{ id: number; request: PackRequest }>,
) => {
  const reply = await pack(request).catch((error: unknown): PackReply => ({
    reason: reasonOf(error),
  }));
  self.postMessage({ id, reply });
};
