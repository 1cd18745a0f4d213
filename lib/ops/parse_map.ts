/** How an activation map is made from the channels of a position. */
export interface ActivationMap {
  /** What is taken over the channels. */
  readonly reduce: "sum" | "max";
  /** The power that magnitudes are raised to first. */
  readonly power: number;
}

const NAME = /^(sum|max)(?:\^(\d+(?:\.\d+)?))?$/;

/**
 * Reads the name of an activation map: `sum^p` or `max^p` for any p >= 1, and `sum` or `max` for p = 1; the F_sum,
 * F_sum^p and F_max^p of {@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017}, section 3.1.
 *
 * @throws {RangeError} If there is no such map.
 * @example
 * ```ts
 * import { parseMap } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseMap("sum^2"), { reduce: "sum", power: 2 });
 * assert.deepEqual(parseMap("max"), { reduce: "max", power: 1 });
 * ```
 */
export function parseMap(name: string): ActivationMap {
  const [, reduce, exponent = "1"] = NAME.exec(name) ?? [];
  const power = Number(exponent);
  // The kernel's exponent is a float32.
  if (reduce === undefined || power < 1 || !Number.isFinite(Math.fround(power))) {
    throw new RangeError(
      `Cannot take the map ${name}: wanted sum, max, sum^p or max^p with p of at least 1; found ${name}`,
    );
  }
  return { reduce: reduce === "sum" ? "sum" : "max", power };
}
