/**
 * Makes a step of attention transfer, the same in half precision, and one of gradient-based transfer, and notes their
 * dispatches.
 *
 * @module
 */
import { shapes } from "../../data/shapes.ts";
import { Gpu } from "../../lib/gpu/device.ts";
import { gradientTerm, symmetryTerm } from "../../lib/losses/gradient_terms.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import { wideResNet } from "../../lib/models/wide_resnet.ts";
import { groupWidths } from "../../lib/models/wide_resnet_sizes.ts";
import { makeStep, type ProfileOptions } from "../../lib/train/made_step.ts";
import { captureDispatches } from "./capture.ts";

const BATCH = 8;

captureDispatches();
using gpu = await Gpu.open();
const data = shapes({ train: BATCH, test: 1 });
const network = (width: number) =>
  wideResNet(gpu, { depth: 10, widths: groupWidths(width), classes: data.classes, seed: 0 });
const ofAttention = { objective: transferTerms({ alpha: 0.5, beta: 1000 }) };
const ofGradients = {
  objective: [...transferTerms(), gradientTerm({ weight: 1 }), symmetryTerm({ weight: 1 })],
};
const steps: readonly Omit<ProfileOptions, "data">[] = [
  ofAttention,
  { ...ofAttention, dtype: "f16" },
  ofGradients,
];
for (const options of steps) {
  using student = network(1);
  using teacher = network(2);
  using _ = await makeStep(student, { ...options, data, teacher, batchSize: BATCH });
}
