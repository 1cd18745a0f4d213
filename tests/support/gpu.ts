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

/** What a GPU was made to do. */
export interface GpuWork {
  /** Pipelines that were compiled. */
  compiles: number;
  /** Times that something was read back, which waits for the GPU. */
  reads: number;
  /** Bytes that were read back. */
  bytesRead: number;
  /** Bytes that were written from here. */
  bytesWritten: number;
  /** Bytes of the buffers alive. */
  bytes: number;
  /** The most that they were. */
  mostBytes: number;
}

/** The bytes that a hollow card keeps of a buffer. */
const HOLLOW_BYTES = 1024;

/**
 * A GPU that poses as a card and counts what it is made to do, none of which takes time: its kernels are compiled to
 * nothing, its buffers keep no more than their first bytes, and what is written to them is lost.
 */
export async function hollowCard(): Promise<{ gpu: Gpu; work: GpuWork }> {
  const gpu = await cardGpu();
  const { device } = gpu;
  const work = { compiles: 0, reads: 0, bytesRead: 0, bytesWritten: 0, bytes: 0, mostBytes: 0 };
  const module = device.createShaderModule({ code: "@compute @workgroup_size(1) fn none() {}" });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const layout = device.createBindGroupLayout({ entries: [] });
  const group = device.createBindGroup({ layout, entries: [] });
  device.createComputePipeline = () => {
    work.compiles++;
    return pipeline;
  };
  device.createBindGroup = () => group;
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const { size } = descriptor;
    const buffer = create({ ...descriptor, size: Math.min(size, HOLLOW_BYTES) });
    work.bytes += size;
    work.mostBytes = Math.max(work.mostBytes, work.bytes);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      work.bytes -= size;
      buffer.destroy = destroy;
      destroy();
    };
    const map = buffer.getMappedRange.bind(buffer);
    buffer.getMappedRange = (offset, size) => {
      const range = map(offset, size);
      work.reads++;
      work.bytesRead += range.byteLength;
      return range;
    };
    return buffer;
  };
  device.queue.writeBuffer = (_buffer: GPUBuffer, _offset: number, data: BufferSource) => {
    work.bytesWritten += data.byteLength;
    return undefined;
  };
  return { gpu, work };
}
