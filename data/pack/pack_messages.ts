import type { ImagePlace } from "../image_list.ts";

/** An image that a packing worker makes smaller. */
export interface PackRequest {
  /** Where it is. */
  readonly place: ImagePlace;
  /** The shorter side of the result. */
  readonly size: number;
  /** The quality of a JPEG file, `null` for pixels. */
  readonly quality: number | null;
}

/** A packing worker's answer: the image, or what is wrong with it. */
export type PackReply =
  | { readonly bytes: Uint8Array<ArrayBuffer>; readonly width: number; readonly height: number }
  | { readonly reason: string };
