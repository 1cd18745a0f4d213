import type { Gpu } from "../gpu/device.ts";

/**
 * Invocations of a workgroup that waits for all of its own between steps. A software adapter runs eight at once, one
 * eight after the other from wait to wait, and keeps what each has in memory meanwhile: a batch normalisation takes
 * three times as long there with 128 lanes as with eight.
 */
export function lanesOf({ adapter }: Gpu): number {
  return adapter.isSoftware ? 8 : 256;
}
