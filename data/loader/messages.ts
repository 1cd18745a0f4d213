import type { ImagePlace } from "../image_list.ts";

/** One image that a worker makes. */
export interface Order extends ImagePlace {
  /** Where the planes go: the image's number in the batch. */
  readonly at: number;
  /** The key of crop and flip, `null` for validation. */
  readonly key: readonly number[] | null;
}

/** What a decoding worker is asked for. */
export interface Request {
  /** The planes of the batch, `[images, 3, size, size]`. */
  readonly into: SharedArrayBuffer;
  /** The side of an image. */
  readonly size: number;
  /** The images. */
  readonly orders: readonly Order[];
}

/** An image that could not be made. */
export interface Fault {
  /** The image's number in the batch. */
  readonly at: number;
  /** What is wrong. */
  readonly reason: string;
}

/** A decoding worker's answer, once all images of a request are made. */
export interface Reply {
  /** The images that could not be made. */
  readonly faults: readonly Fault[];
}
