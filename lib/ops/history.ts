import source from "../../kernels/history.wgsl" with { type: "text" };
import type { StepValue } from "../gpu/step_values.ts";
import { Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { wantShape, wantType } from "./shapes.ts";

const kernel = new Kernel("history", source);

/** The numbers that one row of a history holds. */
export const HISTORY_COLUMNS = 8;

const MOST_SCALARS = 8;

/**
 * Writes up to eight scalars into a row of a table that stays on the GPU.
 *
 * @param table `[rows, 8]`.
 * @param scalars What to write, in the order of the columns.
 * @param options.row The row's number.
 * @throws {RangeError} If there are no scalars or more than eight.
 */
export function appendHistory(
  table: Tensor,
  scalars: readonly Tensor[],
  { row }: { row: StepValue },
): void {
  wantShape(table, [table.shape[0] ?? 0, HISTORY_COLUMNS], "keep a history");
  const last = scalars.at(-1);
  if (last === undefined || scalars.length > MOST_SCALARS) {
    throw new RangeError(
      `Cannot keep a history: wanted 1 to ${MOST_SCALARS} scalars, found ${scalars.length}`,
    );
  }
  for (const scalar of scalars) wantType(scalar, "f32", "keep a history");
  const bound = [...scalars, ...Array.from({ length: MOST_SCALARS - scalars.length }, () => last)];
  kernel.dispatch("append", {
    read: [row.values, ...bound],
    write: [table],
    constants: { row_at: row.index },
    grid: [1],
  });
}
