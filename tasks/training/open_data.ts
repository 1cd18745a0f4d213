import { openCifar } from "../../data/cifar.ts";
import { shapes } from "../../data/shapes.ts";
import { type ImageSet, takeImages } from "../../lib/train/image_set.ts";
import type { CifarSettings } from "../../lib/train/settings/cifar_settings.ts";
import { createDownloadProgress } from "../command_line/progress.ts";

/**
 * Opens the data set that the settings name, and downloads it if it is not there.
 *
 * @param settings `dataset`, `dataroot` and `train_images` count.
 * @throws {Error} If the files are damaged, or missing and out of reach.
 */
export async function openData(
  { dataset, dataroot, train_images }: Pick<
    CifarSettings,
    "dataset" | "dataroot" | "train_images"
  >,
): Promise<ImageSet> {
  if (dataset === "shapes") return shapes(train_images === null ? {} : { train: train_images });
  using progress = createDownloadProgress(dataset);
  const data = await openCifar(dataset, {
    root: dataroot,
    onProgress: (state) => progress.update(state),
  });
  return train_images === null ? data : { ...data, train: takeImages(data.train, train_images) };
}
