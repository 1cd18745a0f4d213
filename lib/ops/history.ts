import source from "../../kernels/history.wgsl" with { type: "text" };
import type { StepValue } from "../gpu/step_values.ts";
import { Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { wantShape, wantType } from "./shapes.ts";

const kernel = new Kernel("history", source);

/** The numbers that one row of a history holds. */
export const HISTORY_COLUMNS = 24;

const COLUMNS_AT_ONCE = 8;

/**
 * Writes up to 24 scalars into a row of a table that stays on the GPU, eight at once.
 *
 * @param table `[rows, 24]`.
 * @param scalars What to write, in the order of the columns.
 * @param options.row The row's number.
 * @throws {RangeError} If there are no scalars or more than 24.
 */
export function appendHistory(
  table: Tensor,
  scalars: readonly Tensor[],
  { row }: { row: StepValue },
): void {
  wantShape(table, [table.shape[0] ?? 0, HISTORY_COLUMNS], "keep a history");
  const last = scalars.at(-1);
  if (last === undefined || scalars.length > HISTORY_COLUMNS) {
    throw new RangeError(
      `Cannot keep a history: wanted 1 to ${HISTORY_COLUMNS} scalars, found ${scalars.length}`,
    );
  }
  for (const scalar of scalars) wantType(scalar, "f32", "keep a history");
  for (let first = 0; first < scalars.length; first += COLUMNS_AT_ONCE) {
    const read = Array.from(
      { length: COLUMNS_AT_ONCE },
      (_, column) => scalars[first + column] ?? last,
    );
    kernel.dispatch("append", {
      read: [row.values, ...read],
      write: [table],
      constants: { row_at: row.index, quads: HISTORY_COLUMNS / 4, first: first / 4 },
      grid: [1],
    });
  }
}
