import type { Gpu } from "./device.ts";
import { Tensor } from "./tensor.ts";

/** One number that may change from step to step, as a kernel finds it: a place in a small buffer. */
export interface StepValue {
  /** The buffer, words of 32 bits. */
  readonly values: Tensor;
  /** The number's place in it. */
  readonly index: number;
}

/**
 * The numbers that change from step to step (learning rate, epoch, position in the data), in one small buffer that is
 * written before each step, so that a recorded program never has to be recorded again.
 */
export class StepValues<Name extends string> {
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #floats: Float32Array<ArrayBuffer>;
  readonly #indices: ReadonlyMap<Name, number>;
  readonly #values: Tensor;

  /**
   * Makes room for the numbers, all zero.
   *
   * @param names The numbers' names.
   */
  constructor(gpu: Gpu, names: readonly Name[]) {
    this.#values = gpu.zeros([names.length], { label: "step values", dtype: "u32" });
    this.#words = new Uint32Array(this.#values.storage.bytes / 4);
    this.#floats = new Float32Array(this.#words.buffer);
    this.#indices = new Map(names.map((name, index) => [name, index]));
  }

  #indexOf(name: Name): number {
    const index = this.#indices.get(name);
    if (index === undefined) {
      throw new RangeError(
        `Cannot find step value ${name}: wanted one of ${[...this.#indices.keys()].join(", ")}`,
      );
    }
    return index;
  }

  /** The place of a number, for an op to bind. */
  at(name: Name): StepValue {
    return { values: this.#values, index: this.#indexOf(name) };
  }

  /** Sets a number that kernels read as a float. Takes effect with {@link StepValues.upload}. */
  setFloat(name: Name, value: number): void {
    this.#floats[this.#indexOf(name)] = value;
  }

  /** Sets a number that kernels read as an unsigned integer. Takes effect with {@link StepValues.upload}. */
  setInteger(name: Name, value: number): void {
    this.#words[this.#indexOf(name)] = value;
  }

  /** Writes all numbers to the GPU; what was submitted before still sees the old ones. */
  upload(): void {
    this.#values.gpu.upload(this.#values.storage, this.#words);
  }

  /** Frees the buffer. */
  [Symbol.dispose](): void {
    this.#values[Symbol.dispose]();
  }
}
