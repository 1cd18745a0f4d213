import type { Distance } from "../../../lib/losses/distance.ts";

const FORMULAS: Readonly<Record<Distance, (squares: readonly number[]) => number>> = {
  batch: (squares) => Math.sqrt(squares.reduce((a, b) => a + b)),
  sample: (squares) =>
    squares.reduce((total, square) => total + Math.sqrt(square), 0) / squares.length,
  square: (squares) => squares.reduce((a, b) => a + b),
};

/** How far `[batch, ...]` are apart, in float64. */
export function distanceOf(
  kind: Distance,
  { a, b, batch }: { a: ArrayLike<number>; b: ArrayLike<number>; batch: number },
): number {
  const columns = a.length / batch;
  const squares = Array.from({ length: batch }, (_, n) => {
    let sum = 0;
    for (let at = n * columns; at < (n + 1) * columns; at++) {
      sum += ((a[at] ?? NaN) - (b[at] ?? NaN)) ** 2;
    }
    return sum;
  });
  return FORMULAS[kind](squares);
}
