import type { Draws } from "../../lib/random.ts";
import type { Distance } from "./outlines.ts";

/** Red, green and blue, from 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** How a shape is painted. */
export interface Paint {
  /** The shape's colour. */
  readonly colour: Colour;
  /** Over how many pixels the shape's edge fades. */
  readonly softness: number;
}

const CHANNELS = 3;
const BYTE_SUM_MEAN = 510;
const BYTE_SUM_STD = 147.8;

/**
 * A square canvas that shapes are painted on, one over the other.
 *
 * A pixel's place is that of its centre: the first one lies at 0.5, 0.5.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const canvas = new Canvas(4, () => [10, 20, 30]);
 * canvas.paint((x) => x - 2, { colour: [200, 100, 0], softness: 1 });
 * const bytes = new Uint8Array(3 * 4 * 4);
 * canvas.write(bytes);
 * assert.deepEqual([...bytes.subarray(0, 4)], [200, 200, 10, 10]);
 * ```
 */
export class Canvas {
  readonly #size: number;
  readonly #values: Float64Array;

  /**
   * Starts with a ground.
   *
   * @param size Height and width, in pixels.
   * @param ground The colour at a pixel.
   */
  constructor(size: number, ground: (x: number, y: number) => Colour) {
    this.#size = size;
    this.#values = new Float64Array(CHANNELS * size * size);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const colour = ground(column + 0.5, row + 0.5);
        this.#blend(row * size + column, { colour, coverage: 1 });
      }
    }
  }

  /**
   * Paints a shape over what is there.
   *
   * @param distance The distance to the shape, in pixels.
   * @param paint The shape's colour and softness.
   */
  paint(distance: Distance, { colour, softness }: Paint): void {
    for (let row = 0; row < this.#size; row++) {
      for (let column = 0; column < this.#size;) {
        const away = distance(column + 0.5, row + 0.5) - softness / 2;
        if (away < 0) {
          const coverage = Math.min(-away / softness, 1);
          this.#blend(row * this.#size + column, { colour, coverage });
          column++;
        } else {
          // No pixel nearer than the distance can be covered.
          column += 1 + Math.floor(away);
        }
      }
    }
  }

  /**
   * Adds noise to every value, nearly Gaussian: the sum of four random bytes.
   *
   * @param draws Where the noise comes from.
   * @param std Its standard deviation.
   */
  addNoise(draws: Draws, std: number): void {
    for (let at = 0; at < this.#values.length; at++) {
      const bits = draws.next();
      const sum = (bits & 255) + (bits >>> 8 & 255) + (bits >>> 16 & 255) + (bits >>> 24);
      this.#values[at] = (this.#values[at] ?? 0) + (sum - BYTE_SUM_MEAN) * (std / BYTE_SUM_STD);
    }
  }

  /**
   * Writes the canvas as bytes; what lies beyond 0 or 255 becomes the bound.
   *
   * @param bytes Where it goes, `[3, size / shrink, size / shrink]`.
   * @param options How many bytes along either side are averaged into one. Default: 1.
   */
  write(bytes: Uint8Array, { shrink = 1 }: { readonly shrink?: number } = {}): void {
    const [size, side] = [this.#size, this.#size / shrink];
    for (let at = 0; at < CHANNELS * side * side; at++) {
      const first = (Math.floor(at / side) * size + at % side) * shrink;
      let sum = 0;
      for (let row = 0; row < shrink; row++) {
        for (let column = 0; column < shrink; column++) {
          sum += this.#byteAt(first + row * size + column);
        }
      }
      bytes[at] = Math.round(sum / (shrink * shrink));
    }
  }

  #byteAt(at: number): number {
    return Math.min(Math.max(Math.round(this.#values[at] ?? 0), 0), 255);
  }

  #blend(
    pixel: number,
    { colour, coverage }: { readonly colour: Colour; readonly coverage: number },
  ): void {
    for (let channel = 0; channel < CHANNELS; channel++) {
      const at = channel * this.#size * this.#size + pixel;
      const value = this.#values[at] ?? 0;
      this.#values[at] = value + coverage * ((colour[channel] ?? 0) - value);
    }
  }
}
