/**
 * Makes the work of the slice, and that of each mutant, and notes their dispatches. A mutant's kernel
 * is noted under the mutant's name.
 *
 * @module
 */
import { requestAdapter } from "../../lib/gpu/adapter.ts";
import { Gpu } from "../../lib/gpu/device.ts";
import { withoutFeature } from "../support/without_feature.ts";
import { captureDispatches } from "./capture.ts";
import { type Mutant, MUTANTS } from "./mutants.ts";
import { SLICE, type Work, WORKS } from "./slice.ts";

let edited: Mutant | null = null;

captureDispatches();
const { createShaderModule } = GPUDevice.prototype;
GPUDevice.prototype.createShaderModule = function (descriptor) {
  const mutant = edited;
  if (mutant === null || mutant.kernel !== descriptor.label) {
    return createShaderModule.call(this, descriptor);
  }
  const code = mutant.edit(descriptor.code);
  if (code === descriptor.code) throw new TypeError(`The text of ${mutant.name} must be another`);
  return createShaderModule.call(this, { label: mutant.name, code });
};

async function capture(work: Work): Promise<void> {
  const adapter = await requestAdapter();
  if (adapter === null) {
    throw new TypeError("Cannot capture dispatches: wanted an adapter, found none");
  }
  using gpu = await Gpu.open({
    adapter: work === "sumInTrees" ? withoutFeature("subgroups", adapter) : adapter,
  });
  await SLICE[work](gpu);
  await gpu.settled();
}

for (const work of WORKS) await capture(work);
for (const mutant of MUTANTS) {
  edited = mutant;
  await capture(mutant.work);
}
