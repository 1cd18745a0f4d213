import type { Fusion, Merged, Pair } from "../../gpu/kernel.ts";
import { addendOf } from "../add.ts";
import { isRelu } from "../relu.ts";

function absorb(pair: Pair): Merged | null {
  const { producer: { read, constants }, consumer } = pair;
  if (constants["rectifies"] === 1) return null;
  if (isRelu(consumer)) return { write: consumer.write, constants: { ...constants, rectifies: 1 } };
  const addend = addendOf(pair);
  if (addend === null || constants["adds"] === 1) return null;
  return {
    read: [...read.slice(0, -1), addend],
    write: consumer.write,
    constants: { ...constants, adds: 1 },
  };
}

/**
 * How every forward pass and input gradient merges: another tensor is added in its store, then the result is rectified.
 * The kernels bind the addend last of what they read, and have the overrides `adds` and `rectifies`.
 */
export const EPILOGUE: Fusion = { absorb };
