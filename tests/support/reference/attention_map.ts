import type { TransferForm } from "../../../lib/losses/transfer_form.ts";

/** The maps `reduce_c |x_c|^power` of `[samples * positions, channels]` in float64. */
export function rawMapsOf(
  x: Float64Array,
  { channels, power, reduce }: { channels: number; power: number; reduce: "sum" | "max" },
): Float64Array {
  return Float64Array.from({ length: x.length / channels }, (_, p) => {
    const magnitudes = x.subarray(p * channels, (p + 1) * channels)
      .map((value) => Math.abs(value) ** power);
    return reduce === "max" ? Math.max(...magnitudes) : magnitudes.reduce((a, b) => a + b, 0);
  });
}

/** Rows of `columns` numbers, each divided by its l2 or l1 norm, in float64. */
export function unitRows(
  x: Float64Array,
  { columns, norm = "l2" }: { columns: number; norm?: "l2" | "l1" },
): Float64Array {
  const units = x.slice();
  for (let first = 0; first < x.length; first += columns) {
    const row = units.subarray(first, first + columns);
    const length = norm === "l2"
      ? Math.sqrt(row.reduce((sum, value) => sum + value * value, 0))
      : row.reduce((sum, value) => sum + Math.abs(value), 0);
    row.set(row.map((value) => value / Math.max(length, 1e-12)));
  }
  return units;
}

/** The unit-length F_sum^2 maps of `[samples, positions, channels]` in float64. */
export function mapsOf(
  x: Float64Array,
  { positions, channels }: { positions: number; channels: number },
): Float64Array {
  return unitRows(rawMapsOf(x, { channels, power: 2, reduce: "sum" }), { columns: positions });
}

/** What beta weighs, from the samples' unit-length maps, in float64: the mean square, or half the mean norm. */
export function differenceOf(
  form: TransferForm,
  { a, b, columns }: { a: Float64Array; b: Float64Array; columns: number },
): number {
  const squares = a.map((value, at) => (value - (b[at] ?? NaN)) ** 2);
  if (form === "code") return squares.reduce((x, y) => x + y) / squares.length;
  let total = 0;
  for (let first = 0; first < squares.length; first += columns) {
    total += Math.sqrt(squares.subarray(first, first + columns).reduce((x, y) => x + y));
  }
  return total / 2 / (squares.length / columns);
}
