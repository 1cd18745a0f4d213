import { drawFolder } from "./pictures.ts";

/** The flags of an ImageNet run that is fast: small crops, narrow networks, full batches. */
export const SCENE_FLAGS = [
  "--imagenetpath=images",
  "--image_size=32",
  "--width=0.0625",
  "--batch_size=20",
  "--lr=0.02",
  "--log_every=1",
];

/** Draws JPEG files of several sizes under `images`: 200 of 20 classes to train on, 40 to validate on. */
export async function drawScene(root: string): Promise<void> {
  await drawFolder(`${root}/images`, { classes: 20, train: 10, val: 2 });
}
