/**
 * Lines up the cells of a table with spaces.
 *
 * @param rows The rows, each with a cell a column.
 * @param options.right The columns whose cells end at one place; the others begin at one.
 * @returns A line a row.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const lines = alignTable([["kernel", "ms"], ["sum", "12"]], { right: [1] });
 * assert.deepEqual(lines, ["kernel  ms", "sum     12"]);
 * ```
 */
export function alignTable(
  rows: readonly (readonly string[])[],
  { right }: { right: readonly number[] },
): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from(
    { length: columns },
    (_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
    }).join("  ").trimEnd()
  );
}
