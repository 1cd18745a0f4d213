import type { Gpu } from "../gpu/device.ts";
import type { StepValue } from "../gpu/step_values.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { appendHistory, HISTORY_COLUMNS } from "../ops/history.ts";

const ROWS = 1024;

/**
 * Scalars of the steps since the last look, kept on the GPU: a step writes a row, and many rows are fetched at once,
 * since every fetch waits for the GPU.
 */
export class History implements Disposable {
  readonly #table: Tensor;
  #written = 0;

  constructor(gpu: Gpu) {
    this.#table = gpu.zeros([ROWS, HISTORY_COLUMNS], { label: "history" });
    gpu.reserveReadback(this.#table.storage.bytes);
  }

  /** The rows written and not yet taken. */
  get pending(): number {
    return this.#written;
  }

  /** Whether rows must be taken before a step that writes one more. */
  get isFull(): boolean {
    return this.room === 0;
  }

  /** The rows that can be written before some must be taken. */
  get room(): number {
    return ROWS - this.#written;
  }

  /** Records the writing of a row into a program. */
  append(scalars: readonly Tensor[], row: StepValue): void {
    appendHistory(this.#table, scalars, { row });
  }

  /** The number of the row that the next step writes. */
  nextRow(): number {
    return this.#written++;
  }

  /** Waits for the GPU and returns the rows since the last call. Steps may write rows again once it is called. */
  async take(): Promise<number[][]> {
    const length = this.#written;
    this.#written = 0;
    const values = await this.#table.read();
    return Array.from(
      { length },
      (_, row) => [...values.subarray(row * HISTORY_COLUMNS, (row + 1) * HISTORY_COLUMNS)],
    );
  }

  /** Frees the table. */
  [Symbol.dispose](): void {
    this.#table[Symbol.dispose]();
  }
}
