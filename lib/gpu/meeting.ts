import type { Tensor } from "./tensor.ts";

/** An exchange with other processes that comes before a dispatch: a program waits there. */
export interface Meeting {
  /** The tensor whose numbers are exchanged, which keeps its place. */
  readonly tensor: Tensor;
  /** Exchanges them: its stored numbers, in place. */
  exchange(values: Float32Array<ArrayBuffer>): Promise<void>;
}

/** What batch normalisations exchange to have the statistics of all ranks. */
export interface Synchroniser {
  /** The rows of all ranks, where this one has so many. */
  rowsOfAll(rows: number): number;
  /**
   * The exchange of moments, `[2, channels]`: means and sums of squared deviations, this rank's before it, those of all
   * after it.
   *
   * @param rows The rows that this rank's are of.
   */
  moments(channels: number, rows: number): Meeting;
  /** The exchange of sums, `[2, 2, channels]`: this rank's first, then those of the others, which it fills in. */
  sums(channels: number): Meeting;
}
