/**
 * Random numbers of a key: each is a hash of the key and of how many were drawn before.
 *
 * Equal keys give equal numbers on every machine, since the hash is 32-bit arithmetic alone (the
 * finaliser of {@link https://github.com/skeeto/hash-prospector | lowbias32}).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const [a, b, other] = [new Draws(7, 1), new Draws(7, 1), new Draws(7, 2)];
 * const first = a.next();
 * assert.equal(b.next(), first);
 * assert.notEqual(other.next(), first);
 * ```
 */
export class Draws {
  readonly #key: number;
  #drawn = 0;

  /**
   * Starts the sequence of a key.
   *
   * @param key Integers, whose order counts; of each the low 32 bits.
   */
  constructor(...key: readonly number[]) {
    this.#key = key.reduce((hash, part) => mix(mix(part + GOLDEN) ^ mix(hash)), key.length);
  }

  /**
   * Draws an unsigned 32-bit integer.
   *
   * @returns The integer.
   */
  next(): number {
    this.#drawn = (this.#drawn + GOLDEN) >>> 0;
    return mix(this.#key ^ mix(this.#drawn));
  }

  /**
   * Draws a number from an interval.
   *
   * @param low The least number.
   * @param high The bound that is not reached.
   * @returns A number in `[low, high)`.
   */
  between(low: number, high: number): number {
    return low + (high - low) * (this.next() / 2 ** 32);
  }

  /**
   * Draws a whole number.
   *
   * @param bound How many there are to choose from.
   * @returns A whole number from 0 to `bound - 1`.
   */
  below(bound: number): number {
    return Math.floor(this.between(0, bound));
  }

  /**
   * Draws an order, each as likely as any other (Fisher & Yates).
   *
   * @param length How many there are to put in order.
   * @returns The numbers from 0 to `length - 1`, each once.
   */
  order(length: number): Uint32Array<ArrayBuffer> {
    const order = Uint32Array.from({ length }, (_, index) => index);
    for (let left = length; left > 1; left--) {
      const taken = this.below(left);
      const value = order[taken] ?? 0;
      order[taken] = order[left - 1] ?? 0;
      order[left - 1] = value;
    }
    return order;
  }
}

const GOLDEN = 0x9e3779b9;

function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
