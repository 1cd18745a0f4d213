import { foldedResNet } from "../../lib/models/folded_resnet.ts";
import { resNet } from "../../lib/models/resnet.ts";
import type { ResNetSizes } from "../../lib/models/resnet_sizes.ts";
import { writeWeights } from "../../lib/weights/write_weights.ts";
import { testGpu } from "./gpu.ts";

const NARROW: ResNetSizes = { blocks: [1, 1, 1, 1], widths: [4, 4, 8, 8], stem: 4, classes: 10 };
const WIDER: ResNetSizes = { ...NARROW, widths: [8, 8, 8, 16], stem: 8 };

/**
 * Writes weights files of small ResNets of ten classes: `student.hkl`, named as the published exports, `teacher.npz`,
 * the same with more channels, and `normalised.safetensors`, with batch normalisation and statistics as after a
 * training.
 */
export async function writeResNets(root: string): Promise<void> {
  const gpu = await testGpu();
  using student = foldedResNet(gpu, { ...NARROW, seed: 1 });
  using teacher = foldedResNet(gpu, { ...WIDER, seed: 2 });
  using normalised = resNet(gpu, { ...NARROW, seed: 3 });
  for (const { name } of normalised.parameters.specs) {
    const value = /running_mean$/.test(name) ? 0.1 : 0.9;
    if (!/running/.test(name)) continue;
    const tensor = normalised.parameters.get(name);
    tensor.write(new Float32Array(tensor.shape[0] ?? 0).fill(value));
  }
  for (
    const [file, { parameters }] of [
      ["student.hkl", student],
      ["teacher.npz", teacher],
      ["normalised.safetensors", normalised],
    ] as const
  ) {
    await writeWeights(`${root}/${file}`, await parameters.save());
  }
}
