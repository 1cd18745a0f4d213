import assert from "node:assert/strict";
import { Gpu } from "../lib/gpu/device.ts";
import { boundTensors, type Kernel } from "../lib/gpu/kernel.ts";
import { requestAdapter } from "../lib/gpu/adapter.ts";
import { everyDispatch } from "./support/every_dispatch.ts";
import { limitWorkgroupMemory, posingGpu } from "./support/gpu.ts";
import { entriesOf, kernelFiles } from "./support/kernel_files.ts";
import { testIn } from "./support/test_in.ts";
import { type TintKernel, tintMessages, type TintPipeline } from "./support/tint.ts";
import { withoutFeature } from "./support/without_feature.ts";

/** WebGPU's default limits, which Dawn's null device has. */
const MOST = { buffers: 8, workgroupBytes: 16384 };

/** Where no op of a network runs an entry point, or it binds more buffers than the null device has. */
const WITHOUT_PIPELINE = [
  "batch_norm.normalise_batch",
  "batch_norm.vjp",
  "batch_norm_gradient.vjp",
  "ceilings.copy",
  "ceilings.multiply_add",
  "history.append",
  "pad_channels.forward",
];

/** A GPU of each sort that ops make a difference between, with the null device's workgroup memory. */
async function gpus(): Promise<Gpu[]> {
  const adapter = await requestAdapter();
  assert.ok(adapter !== null);
  const plain = withoutFeature("subgroups", adapter);
  const made = await Promise.all([
    posingGpu({ isFallbackAdapter: true, subgroupMinSize: 8 }),
    posingGpu({ isFallbackAdapter: false, subgroupMinSize: 8 }),
    Gpu.open({ adapter: plain }),
  ]);
  for (const gpu of made) limitWorkgroupMemory(gpu, MOST.workgroupBytes);
  return made;
}

/** Kernels by their source, and the pipelines of each. */
class Compiled {
  readonly #kernels = new Map<string, { name: string; pipelines: Map<string, TintPipeline> }>();

  /** Adds a kernel, unless that is done, and returns its pipelines. */
  add({ file, source, isHalf }: Kernel): Map<string, TintPipeline> {
    const name = `${file}${isHalf ? " f16" : ""}`;
    const found = this.#kernels.get(source) ?? { name, pipelines: new Map() };
    this.#kernels.set(source, found);
    return found.pipelines;
  }

  get all(): TintKernel[] {
    return [...this.#kernels].map(([source, { name, pipelines }]) => ({
      name,
      source,
      pipelines: [...pipelines.values()],
    }));
  }
}

testIn(
  "f16",
  "Tint takes every kernel, in both types, with the constants of real dispatches",
  async () => {
    const compiled = new Compiled();
    const left = new Set<string>();
    for await (const kernel of kernelFiles()) {
      compiled.add(kernel);
      if (kernel.source.startsWith("alias real")) compiled.add(kernel.half);
      for (const entry of entriesOf(kernel)) left.add(`${kernel.name}.${entry}`);
    }
    assert.ok(left.size > 80);
    for (const gpu of await gpus()) {
      for (const dtype of ["f32", "f16"] as const) {
        for (const dispatch of await everyDispatch(gpu, dtype)) {
          const { kernel, entry, label, constants } = dispatch;
          const pipelines = compiled.add(kernel);
          if (boundTensors(dispatch).length > MOST.buffers) continue;
          pipelines.set(JSON.stringify([entry, constants]), { label, entry, constants });
          left.delete(`${kernel.name}.${entry}`);
        }
      }
    }
    assert.deepEqual(await tintMessages(compiled.all), []);
    assert.deepEqual([...left].sort(), WITHOUT_PIPELINE);
  },
);
