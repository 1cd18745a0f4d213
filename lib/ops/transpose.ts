import source from "../../kernels/transpose.wgsl" with { type: "text" };
import { gridFor, Kernel } from "../gpu/kernel.ts";
import { padded, quadsOf } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { storedQuads, twoSizes, wantType } from "./shapes.ts";

const kernel = new Kernel("transpose", source);

/**
 * A matrix turned over, as the weights of a linear layer: `linear(x, transpose(y))` is the product `x y^T`.
 *
 * @param x `[rows, columns]`, float32.
 * @returns `[1, 1, columns, rows]`, in the layout `weights`.
 * @throws {TypeError} If x does not have two dimensions, or is not float32.
 * @example
 * ```ts
 * import { Gpu, linear, transpose } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([1, 2, 3, 4], [2, 2]);
 * assert.deepEqual([...await linear(x, transpose(x)).read()], [5, 11, 11, 25]);
 * ```
 */
export function transpose(x: Tensor): Tensor {
  const [rows, columns] = twoSizes(x, "transpose x");
  wantType(x, "f32", "transpose x");
  const y = x.gpu.empty([1, 1, columns, rows], { label: "transpose.y", layout: "weights" });
  turn(x, y, { rows, rowsAfter: padded(columns) });
  return record({ name: "transpose", inputs: [x], output: y, vjp: (dy) => [back(dy)] });
}

/** The matrix that weights were made of. */
function back(w: Tensor): Tensor {
  const [, , columns = 0, rows = 0] = w.shape;
  const y = w.gpu.empty([rows, columns], { label: "transpose.x" });
  turn(w, y, { rows: columns, rowsAfter: rows });
  return record({ name: "transpose", inputs: [w], output: y, vjp: (dy) => [transpose(dy)] });
}

function turn(
  x: Tensor,
  y: Tensor,
  { rows, rowsAfter }: { rows: number; rowsAfter: number },
): void {
  kernel.dispatch("forward", {
    read: [x],
    write: [y],
    constants: {
      rows,
      from_quads: quadsOf(x.shape.at(-1) ?? 1),
      to_rows: rowsAfter,
      to_quads: quadsOf(y.shape.at(-1) ?? 1),
    },
    grid: gridFor(storedQuads(y), 64),
  });
}
