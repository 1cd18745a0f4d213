import type { ImagePlace } from "../image_list.ts";
import type { TrainingCrop } from "../pictures/view.ts";

/** One image that a worker makes. */
export interface ImageOrder extends ImagePlace {
  /** Where the planes go: the image's number in the batch. */
  readonly at: number;
  /** The key of crop and flip, `null` for validation. */
  readonly key: readonly number[] | null;
}

/** What a decoding worker is asked for. */
export interface DecodeRequest {
  /** The planes of the batch, `[images, 3, size, size]`. */
  readonly into: SharedArrayBuffer;
  /** The side of an image. */
  readonly size: number;
  /** What training sees of a picture. */
  readonly crop: TrainingCrop;
  /** The images. */
  readonly orders: readonly ImageOrder[];
}

/** An image that could not be made. */
export interface ImageFault {
  /** The image's number in the batch. */
  readonly at: number;
  /** What is wrong. */
  readonly reason: string;
}

/** A decoding worker's answer, once all images of a request are made. */
export interface DecodeReply {
  /** The images that could not be made. */
  readonly faults: readonly ImageFault[];
}
