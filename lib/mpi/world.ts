import type { HalfExchange } from "./half_exchange.ts";

/**
 * The processes (ranks) of a parallel run, as one of them sees it. What it exchanges is an act of all: every rank makes
 * the same calls in the same order, with lists of the same length. A call that is made before the last has ended waits
 * for its turn. Results are written in place, so the lists belong to the exchange until its promise settles.
 *
 * After an exchange has failed (an `MpiError`), all that follow reject with its error, and the process should end. A rank
 * that cannot go on for a reason of its own calls `abort`: the others would wait for it, as does the end of the
 * `await using` scope.
 *
 * Of {@link openMpi}, or {@link soloWorld} for a process alone.
 */
export interface World extends AsyncDisposable {
  /** This process's number among all, from 0. */
  readonly rank: number;
  /** How many processes there are. */
  readonly size: number;
  /** This process's number among those of its machine, from 0. */
  readonly localRank: number;

  /**
   * Adds up numbers over all ranks. All get the same bits, and the same again from the same numbers.
   *
   * @param values This rank's numbers; afterwards the sums.
   */
  sum(values: Float32Array<ArrayBuffer>): Promise<void>;

  /**
   * Adds up numbers over all ranks in half precision, with half the bytes of `sum`. A rank alone changes nothing.
   *
   * @param values This rank's numbers; afterwards the sums.
   * @param exchange The buffers, and the errors of the last step.
   * @throws {TypeError} If the exchange was made for another length or number of ranks.
   */
  sumHalf(values: Float32Array<ArrayBuffer>, exchange: HalfExchange): Promise<void>;

  /**
   * Finds the largest of all ranks, number by number.
   *
   * @param values This rank's numbers; afterwards the largest.
   */
  max(values: Uint32Array<ArrayBuffer>): Promise<void>;

  /**
   * Gives the bytes of one rank to all.
   *
   * @param bytes What is sent or overwritten.
   * @param options.root The rank whose bytes they are. Default: 0.
   * @throws {RangeError} If there is no such rank.
   */
  broadcast(bytes: Uint8Array<ArrayBuffer>, options?: { readonly root?: number }): Promise<void>;

  /**
   * Gives the numbers of every rank to all, in the order of ranks.
   *
   * @param mine This rank's numbers.
   * @param all What is overwritten, of `size * mine.length` numbers.
   * @throws {TypeError} If it has another length.
   */
  gather(mine: Float32Array<ArrayBuffer>, all: Float32Array<ArrayBuffer>): Promise<void>;

  /** Waits until every rank has come here. */
  barrier(): Promise<void>;

  /**
   * Ends every process of the run, also while an exchange is under way.
   *
   * @param code The exit code.
   */
  abort(code: number): Promise<never>;
}

/** Checks the lists of a gather. */
export function wantGathered(mine: Float32Array, all: Float32Array, size: number): void {
  const wanted = mine.length * size;
  if (all.length === wanted) return;
  throw new TypeError(
    `Cannot gather ${mine.length} numbers from each of ${size} ranks: the list must hold ${wanted}, found ${all.length}`,
  );
}

/** Checks the rank that sends. */
export function wantRoot(root: number, size: number): void {
  if (Number.isInteger(root) && root >= 0 && root < size) return;
  throw new RangeError(
    `Cannot broadcast: the root must be a rank from 0 to ${size - 1}, found ${root}`,
  );
}

/** Checks that an exchange fits the numbers and the ranks. */
export function wantExchange(exchange: HalfExchange, length: number, size: number): void {
  if (exchange.length === length && exchange.size === size) return;
  throw new TypeError(
    `Cannot sum ${length} numbers of ${size} ranks in half precision: the exchange must be made for them, ` +
      `found one for ${exchange.length} numbers of ${exchange.size} ranks`,
  );
}
