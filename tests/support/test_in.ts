import { requestAdapter } from "../../lib/gpu/adapter.ts";
import type { RealType } from "../../lib/gpu/dtype.ts";

const hasHalf = (await requestAdapter())?.features.has("shader-f16") ?? false;

/** Declares a test of a type of numbers; one of half precision is ignored where the adapter has none. */
export function testIn(dtype: RealType, name: string, fn: () => void | Promise<void>): void {
  const ignore = dtype === "f16" && !hasHalf;
  const note = ignore ? " (ignored: no shader-f16)" : "";
  Deno.test({ name: `${name}${note}`, ignore, fn });
}
