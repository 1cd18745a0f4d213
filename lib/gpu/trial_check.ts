import type { Trial } from "./tuning.ts";

/** Places at which results are compared with exact ones. */
const SAMPLES = 64;
/** How many times the plain variant's error another's may be. */
const MOST_TIMES_THE_ERROR = 4;
/** The rounding of the result alone, below which no error is held against a variant. */
const ROUNDING = 2 ** -24;

/** The largest distance of two lists, NaN where one is; a loop, since results have millions of values. */
function farthest(found: Float32Array, wanted: Float32Array): number {
  let most = 0;
  for (let at = 0; at < found.length; at++) {
    const distance = Math.abs((found[at] ?? NaN) - (wanted[at] ?? NaN));
    if (Number.isNaN(distance)) return NaN;
    if (distance > most) most = distance;
  }
  return most;
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
}

/** Judges what the variants of a call compute: all by the plain one, and by exact values where the op can give them. */
export class TrialCheck {
  #plain: Float32Array | null = null;
  #largest = NaN;
  #exact: readonly number[] = [];
  #bound = Infinity;

  /**
   * Prepares to judge.
   *
   * @param inputs What the call reads.
   * @param options.tolerance The largest error, as a part of the largest value.
   * @param options.exact The op's exact values, `undefined` where it gives none.
   */
  constructor(
    private readonly inputs: readonly Float32Array[],
    private readonly options: { readonly tolerance: number; readonly exact: Trial["exact"] },
  ) {}

  /**
   * Judges a result; the first must be the plain variant's.
   *
   * @returns What is wrong with it, `null` if nothing is.
   */
  faultOf(found: Float32Array): string | null {
    const { tolerance } = this.options;
    if (this.#plain === null) this.#begin(found);
    const plain = this.#plain ?? found;
    const error = farthest(found, plain) / this.#largest;
    if (!(error <= tolerance)) {
      return `wrong by ${error.toPrecision(2)} of the largest value (at most ${tolerance})`;
    }
    const rounded = this.#errorOf(found);
    return rounded <= this.#bound || this.#exact.length === 0
      ? null
      : `its rounding error is ${(MOST_TIMES_THE_ERROR * rounded / this.#bound).toFixed(1)} ` +
        `times the plain one's (at most ${MOST_TIMES_THE_ERROR})`;
  }

  #begin(plain: Float32Array): void {
    this.#plain = plain;
    this.#largest = farthest(plain, new Float32Array(plain.length));
    this.#exact = this.options.exact?.(this.inputs, places(plain.length)) ?? [];
    const least = ROUNDING * rootMeanSquare(this.#exact);
    this.#bound = MOST_TIMES_THE_ERROR * Math.max(this.#errorOf(plain), least);
  }

  #errorOf(found: Float32Array): number {
    const at = places(found.length);
    return rootMeanSquare(
      this.#exact.map((exact, sample) => (found[at[sample] ?? 0] ?? NaN) - exact),
    );
  }
}

/** Places spread over a result. */
function places(size: number): number[] {
  const count = Math.min(SAMPLES, size);
  return Array.from({ length: count }, (_, sample) => Math.floor((sample + 0.5) * size / count));
}
