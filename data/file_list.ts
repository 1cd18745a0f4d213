import { join } from "node:path";
import type { ImageList, ImagePlace } from "./image_list.ts";
import type { Box } from "./pictures/view.ts";

/** What {@link FileList} is made of; the lists go together, image by image. */
export interface FileListOptions {
  /** The names of the classes, in the order of their numbers. */
  readonly classes: readonly string[];
  /** The files, from the folder of the images. */
  readonly files: readonly string[];
  /** The class of each image. */
  readonly labels: readonly number[];
  /** The part of each picture that counts. Default: all of every picture. */
  readonly boxes?: readonly Box[];
}

/** Images in files of their own. */
export class FileList implements ImageList {
  readonly run = 1;
  readonly classes: readonly string[];
  readonly labels: Uint32Array;
  readonly #files: readonly string[];
  readonly #boxes: readonly Box[];

  /**
   * Lists files.
   *
   * @param folder The folder of the images.
   * @param options The images.
   */
  constructor(
    /** The folder of the images. */
    readonly folder: string,
    { classes, files, labels, boxes = [] }: FileListOptions,
  ) {
    this.classes = classes;
    this.labels = Uint32Array.from(labels);
    this.#files = files;
    this.#boxes = boxes;
  }

  get count(): number {
    return this.#files.length;
  }

  place(index: number): ImagePlace {
    const path = join(this.folder, this.#files[index] ?? "");
    return { path, span: null, box: this.#boxes[index] ?? null };
  }
}
