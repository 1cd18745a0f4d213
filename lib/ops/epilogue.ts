import type { Merged, Pair } from "../gpu/kernel.ts";
import { addendOf } from "./add.ts";
import { isRelu } from "./relu.ts";

/**
 * How a producer adds another tensor to its first result as it stores it. Its kernel binds the addend last of what it
 * reads, any tensor where there is none, and has the override `added`.
 */
export function addInStore(pair: Pair): Merged | null {
  const { producer: { read, write, constants }, consumer } = pair;
  const addend = addendOf(pair);
  if (addend === null || constants["added"] === 1) return null;
  return {
    read: [...read.slice(0, -1), addend],
    write: [...consumer.write, ...write.slice(1)],
    constants: { ...constants, added: 1 },
  };
}

/** The same, and then rectifies the result; its kernel has the override `rectified` too. */
export function addAndRectifyInStore(pair: Pair): Merged | null {
  const { producer: { write, constants }, consumer } = pair;
  if (constants["rectified"] === 1) return null;
  if (!isRelu(consumer)) return addInStore(pair);
  return {
    write: [...consumer.write, ...write.slice(1)],
    constants: { ...constants, rectified: 1 },
  };
}
