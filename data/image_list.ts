import type { Box } from "./pictures/view.ts";

/** Where an image is. */
export interface ImagePlace {
  /** The file. */
  readonly path: string;
  /** The part of the file that is the image, `null` for all of it. */
  readonly span: ImageSpan | null;
  /**
   * The part of the picture that counts; what of it lies beside the picture is left out. `null` for all of the picture.
   */
  readonly box: Box | null;
}

/** An image's part of a shard. */
export interface ImageSpan {
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** Its bytes. */
  readonly bytes: number;
  /** The CRC-32 of its bytes. */
  readonly crc: number;
  /** Width and height where the bytes are pixels, `null` where they are an image file. */
  readonly raw: { readonly width: number; readonly height: number } | null;
}

/** Images on disk with their classes: a folder's or a pack's. */
export interface ImageList {
  /** The number of images. */
  readonly count: number;
  /** The names of the classes, in the order of their numbers. */
  readonly classes: readonly string[];
  /** The class of each image. */
  readonly labels: Uint32Array;
  /** The images that are read in one go where the order is drawn: 1 for files of their own. */
  readonly run: number;
  /** Where an image is. */
  place(index: number): ImagePlace;
}

/** A data set on disk. */
export interface ImageFiles {
  /** The folder that the data set was opened in. */
  readonly root: string;
  /** The images to train on. */
  readonly train: ImageList;
  /** The images to validate on. */
  readonly val: ImageList;
}
