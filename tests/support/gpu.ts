import assert from "node:assert/strict";
import { requestAdapter } from "../../lib/gpu/adapter.ts";
import { Gpu } from "../../lib/gpu/device.ts";

let shared: Promise<Gpu> | undefined;

/** The GPU that the tests of one file share: opening one and compiling its kernels is what takes time. */
export function testGpu(): Promise<Gpu> {
  shared ??= Gpu.open();
  return shared;
}

/** The machine's GPU under an adapter that says it is software or a card, so that ops choose what they would there. */
export async function posingGpu(as: "software" | "card"): Promise<Gpu> {
  const adapter = await requestAdapter();
  assert.ok(adapter !== null);
  const { info, limits, features } = adapter;
  const { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize } = info;
  const posing = { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize };
  return await Gpu.open({
    adapter: {
      limits,
      features,
      info: { ...posing, isFallbackAdapter: as === "software" },
      requestDevice: (descriptor) => adapter.requestDevice(descriptor),
    },
  });
}
