import type { Gpu } from "../gpu/device.ts";
import { readWeights } from "../weights/read_weights.ts";
import type { Model } from "./model.ts";
import { wideResNet, wideResNetSizes } from "./wide_resnet.ts";

/**
 * Makes the network that a weights file holds; its sizes are read from the shapes.
 *
 * @param path A file of weights of any format that {@linkcode readWeights} knows, with PyTorch's names.
 * @throws {TypeError} If the file does not hold a network that Pupil knows.
 */
export async function openModel(gpu: Gpu, path: string): Promise<Model> {
  const { tensors } = await readWeights(path);
  const model = wideResNet(gpu, { ...wideResNetSizes(tensors, { from: path }), seed: 0 });
  try {
    model.parameters.load(tensors, { from: path });
    return model;
  } catch (error) {
    model[Symbol.dispose]();
    throw error;
  }
}
