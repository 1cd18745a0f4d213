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
  software ??= posingGpu({ isFallbackAdapter: true });
  return software;
}

/** A GPU on which ops choose what they would on a card. */
export function cardGpu(): Promise<Gpu> {
  return posingGpu({ isFallbackAdapter: false });
}

/** A GPU whose adapter says what is given here of itself, and otherwise the truth. */
export async function posingGpu(posing: Partial<GPUAdapterInfo>): Promise<Gpu> {
  const adapter = await requestAdapter();
  assert.ok(adapter !== null);
  const { info, limits, features } = adapter;
  const { vendor, architecture, device, description, isFallbackAdapter } = info;
  const { subgroupMinSize, subgroupMaxSize } = info;
  return await Gpu.open({
    adapter: {
      limits,
      features,
      info: {
        vendor,
        architecture,
        device,
        description,
        isFallbackAdapter,
        subgroupMinSize,
        subgroupMaxSize,
        ...posing,
      },
      requestDevice: (descriptor) => adapter.requestDevice(descriptor),
    },
  });
}

/** A GPU whose buffers have no more than some bytes together. */
export async function smallGpu(bytes: number): Promise<Gpu> {
  const gpu = await Gpu.open();
  const { device } = gpu;
  let left = bytes;
  const scopes: (GPUError | null)[] = [];
  const push = device.pushErrorScope.bind(device);
  device.pushErrorScope = (filter) => {
    scopes.push(null);
    push(filter);
  };
  const pop = device.popErrorScope.bind(device);
  device.popErrorScope = async () => {
    const full = scopes.pop() ?? null;
    return await pop() ?? full;
  };
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const isOwn = descriptor.usage & GPUBufferUsage.STORAGE;
    const buffer = create(descriptor);
    if (isOwn === 0) return buffer;
    if (descriptor.size > left) {
      // An allocation is guarded for memory outside, for the rest inside.
      scopes[0] = new GPUOutOfMemoryError("none is left");
      return buffer;
    }
    left -= descriptor.size;
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      left += descriptor.size;
      buffer.destroy = destroy;
      destroy();
    };
    return buffer;
  };
  return gpu;
}

/** Makes a GPU say that a workgroup has only so many bytes of memory. */
export function limitWorkgroupMemory({ device }: Gpu, bytes: number): void {
  const described = { value: bytes, configurable: true };
  Object.defineProperty(device.limits, "maxComputeWorkgroupStorageSize", described);
}
