import source from "../../kernels/copy.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { storedQuads, wantType } from "./shapes.ts";

const kernel = new Kernel("copy", source);

/**
 * Copies a tensor's stored values into a part of another tensor. It has no gradient.
 *
 * @param from What to copy.
 * @param to Where it goes.
 * @param options.offset The place in `to`, in bytes, a multiple of 16.
 * @throws {TypeError} If their types differ.
 */
export function copyInto(from: Tensor, to: Tensor, { offset }: { offset: number }): void {
  wantType(from, to.dtype, `copy into ${to.label}`);
  const quads = storedQuads(from);
  kernel.dispatch("forward", {
    read: [from],
    write: [to],
    constants: { quads, offset: offset / 16 },
    grid: gridFor(quads, 64),
  });
}
