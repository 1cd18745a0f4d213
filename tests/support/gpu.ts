import assert from "node:assert/strict";
import { describeAdapter, requestAdapter } from "../../lib/gpu/adapter.ts";
import { Gpu } from "../../lib/gpu/device.ts";

let shared: Promise<Gpu> | undefined;

/** The GPU that the tests of one file share: opening one and compiling its kernels is what takes time. */
export function testGpu(): Promise<Gpu> {
  shared ??= Gpu.open();
  return shared;
}

let onCard: Promise<boolean> | undefined;

/** Whether a card computes, whatever the test's GPU poses as. */
export function isOnCard(): Promise<boolean> {
  onCard ??= requestAdapter().then((adapter) => {
    assert.ok(adapter !== null);
    return !describeAdapter(adapter).isSoftware;
  });
  return onCard;
}

let software: Promise<Gpu> | undefined;

/** A GPU on which ops choose what they would on a software adapter, which the tests of one file share. */
export function softwareGpu(): Promise<Gpu> {
  software ??= posingGpu({ isSoftware: true });
  return software;
}

/** A GPU on which ops choose what they would on a card. */
export function cardGpu(): Promise<Gpu> {
  return posingGpu({ isSoftware: false });
}

async function posingGpu({ isSoftware }: { isSoftware: boolean }): Promise<Gpu> {
  const adapter = await requestAdapter();
  assert.ok(adapter !== null);
  const { info, limits, features } = adapter;
  const { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize } = info;
  const posing = { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize };
  return await Gpu.open({
    adapter: {
      limits,
      features,
      info: { ...posing, isFallbackAdapter: isSoftware },
      requestDevice: (descriptor) => adapter.requestDevice(descriptor),
    },
  });
}

/** Makes a GPU say that a workgroup has only so many bytes of memory. */
export function limitWorkgroupMemory({ device }: Gpu, bytes: number): void {
  const described = { value: bytes, configurable: true };
  Object.defineProperty(device.limits, "maxComputeWorkgroupStorageSize", described);
}
