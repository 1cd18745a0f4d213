import { Gpu } from "../../lib/gpu/device.ts";

let shared: Promise<Gpu> | undefined;

/** The GPU that the tests of one file share: opening one and compiling its kernels is what takes time. */
export function testGpu(): Promise<Gpu> {
  shared ??= Gpu.open();
  return shared;
}
