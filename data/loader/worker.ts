/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { reasonOf } from "../reason_of.ts";
import { makeImage } from "./make_image.ts";
import type { DecodeReply, DecodeRequest, ImageFault } from "./messages.ts";

async function answer({ into, size, crop, orders }: DecodeRequest): Promise<DecodeReply> {
  const faults: ImageFault[] = [];
  const bytes = 3 * size * size;
  // One after the other: a worker has several requests, so it resizes for one while others decode, and the memory that
  // decoding takes stays small.
  for (const order of orders) {
    const { at } = order;
    try {
      await makeImage(order, { size, crop, into: new Uint8Array(into, at * bytes, bytes) });
    } catch (error) {
      faults.push({ at, reason: reasonOf(error) });
    }
  }
  return { faults };
}

self.onmessage = async (
  { data: { id, request } }: MessageEvent<{ id: number; request: DecodeRequest }>,
) => {
  self.postMessage({ id, reply: await answer(request) });
};
