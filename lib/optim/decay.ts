/** The forms of a {@link decay}, by their names. */
export const DECAYS = ["none", "linear", "cosine", "exp"] as const;

/** How fast `exp` falls by default: to 0.7 % over the run. */
const USUAL_RATE = 5;

/** A factor for each epoch, from 1, of a number of them. */
export type Decay = (epoch: number, epochs: number) => number;

/**
 * Makes what a weight is multiplied by, epoch by epoch, with `t = (epoch - 1) / epochs`: 1 for `none`, `1 - t` for
 * `linear`, `(1 + cos(pi t)) / 2` for `cosine`, and `exp(-rate t)` for `exp:rate`, where the rate is 5 by default. The
 * first epoch has the whole weight. The paper decays beta where it is combined with distillation, and gives no form.
 *
 * @param name The form.
 * @throws {RangeError} If there is no such form.
 * @example
 * ```ts
 * import { decay } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * assert.equal(decay("linear")(1, 4), 1);
 * assert.equal(decay("linear")(4, 4), 0.25);
 * assert.equal(decay("exp:2")(3, 4), Math.exp(-1));
 * ```
 */
export function decay(name: string): Decay {
  if (name === "none") return () => 1;
  if (name === "linear") return (epoch, epochs) => 1 - (epoch - 1) / epochs;
  if (name === "cosine") {
    return (epoch, epochs) => (1 + Math.cos(Math.PI * (epoch - 1) / epochs)) / 2;
  }
  const [form, text = String(USUAL_RATE), ...rest] = name.split(":");
  const rate = /^\d*\.?\d+(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  if (form === "exp" && rest.length === 0 && Number.isFinite(rate)) {
    return (epoch, epochs) => Math.exp(-rate * (epoch - 1) / epochs);
  }
  throw new RangeError(
    `Cannot decay a weight: wanted none, linear, cosine, exp or exp:rate, found ${name}`,
  );
}
