import source from "../../kernels/weighted_sum.wgsl" with { type: "text" };
import { Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { record } from "../tape.ts";
import { scale } from "./scale.ts";
import { wantShape, wantType } from "./shapes.ts";

const kernel = new Kernel("weighted_sum", source);

/** The scalars that a {@link weightedSum} adds up at most. */
export const MOST_TERMS = 7;

/** One term of a {@link weightedSum}. */
export interface Term {
  /** A scalar. */
  readonly value: Tensor;
  /** What it is multiplied by. */
  readonly weight: number;
}

/**
 * Adds up to seven scalars with fixed weights: a loss of several parts.
 *
 * @param terms The scalars with their weights.
 * @returns A scalar.
 * @throws {RangeError} If there are no terms or more than seven.
 * @throws {TypeError} If a value is not a float32 scalar.
 * @example
 * ```ts
 * import { Gpu, weightedSum } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const [a, b] = [gpu.tensor([2], []), gpu.tensor([3], [])];
 * const loss = weightedSum([{ value: a, weight: 1 }, { value: b, weight: 10 }]);
 * assert.deepEqual([...await loss.read()], [32]);
 * ```
 */
export function weightedSum(terms: readonly Term[]): Tensor {
  const last = terms.at(-1);
  if (last === undefined || terms.length > MOST_TERMS) {
    throw new RangeError(
      `Cannot add weighted scalars: wanted 1 to ${MOST_TERMS} of them, found ${terms.length}`,
    );
  }
  for (const { value } of terms) {
    wantShape(value, [], "add weighted scalars");
    wantType(value, "f32", "add weighted scalars");
  }
  const y = last.value.gpu.empty([], { label: "weighted_sum.y" });
  kernel.dispatch("forward", {
    read: Array.from({ length: MOST_TERMS }, (_, at) => (terms[at] ?? last).value),
    write: [y],
    constants: {
      count: terms.length,
      ...Object.fromEntries(terms.map(({ weight }, at) => [`w${at}`, weight])),
    },
    grid: [1],
  });
  return record({
    name: "weightedSum",
    inputs: terms.map(({ value }) => value),
    output: y,
    vjp: (dy, needs) => {
      const scaled = new Map([[1, dy]]);
      return terms.map(({ weight }, at) => {
        if (!needs[at]) return null;
        const found = scaled.get(weight) ?? scale(dy, weight);
        scaled.set(weight, found);
        return found;
      });
    },
  });
}
