/** What a {@link HalfExchange} needs of MPI. */
export interface PieceExchange {
  /** Sends the n-th of equal pieces to rank n, and gets a piece of every rank, in their order. */
  swap(mine: Float16Array<ArrayBuffer>, theirs: Float16Array<ArrayBuffer>): Promise<void>;
  /** Gets the piece of every rank, in their order. */
  gather(mine: Float16Array<ArrayBuffer>, all: Float16Array<ArrayBuffer>): Promise<void>;
}

/** The largest finite number of half precision. */
const LARGEST = 65504;

/**
 * Rounds numbers to half precision, within its range; what was not finite stays so and leaves no error.
 *
 * @param values The numbers; afterwards the errors.
 * @param halves The rounded numbers.
 */
function round(values: Float32Array, halves: Float16Array): void {
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0;
    halves[at] = value;
    let error = value - (halves[at] ?? 0);
    // The difference is infinite or NaN where the value is, or was rounded to infinity.
    if (error - error !== 0) {
      const isFinite = value - value === 0;
      if (isFinite) halves[at] = Math.sign(value) * LARGEST;
      error = isFinite ? value - (halves[at] ?? 0) : 0;
    }
    values[at] = error;
  }
}

/**
 * The buffers and kept errors with which one list of numbers is summed over all ranks in half precision, step after
 * step: half the bytes of float32. MPI has no such type, so a sum has four parts:
 *
 * 1. Each rank adds the errors of its last step to its numbers, rounds, and keeps the new errors (error feedback,
 *    {@link https://arxiv.org/abs/1901.09847 | Karimireddy et al. 2019}).
 * 2. The list is cut into one piece for each rank; each gets its piece of every rank.
 * 3. It adds them up in the order of ranks in float32, onto the error of its last step, rounds, and keeps that error.
 * 4. Every rank gets all rounded pieces. A piece is rounded by one rank alone, so all ranks end with the same bits.
 *
 * So over many steps nothing is lost: what was summed up differs from the true sum by the errors that are now kept. A
 * number beyond the range of half precision is cut to it, and the rest goes with the next step; infinity and NaN pass.
 * One is needed for each list that is summed, of the same length on all ranks; `World.sumHalf` uses it.
 */
export class HalfExchange {
  /** How many numbers it sums. */
  readonly length: number;
  /** For how many ranks it was made. */
  readonly size: number;
  readonly #scale: number;
  readonly #piece: number;
  readonly #mine: Float16Array<ArrayBuffer>;
  readonly #theirs: Float16Array<ArrayBuffer>;
  readonly #result: Float16Array<ArrayBuffer>;
  readonly #errors: Float32Array;
  readonly #pieceErrors: Float32Array;

  /**
   * Allocates 8 bytes for each number, and 6 for each of one rank's piece.
   *
   * @param length How many numbers there are.
   * @param options.size The number of ranks.
   * @param options.scale What numbers are multiplied by while they are in half precision, whose steps below 6e-5 grow
   * coarse; a power of two. Default: 1.
   * @throws {RangeError} If the scale is no power of two.
   */
  constructor(length: number, { size, scale = 1 }: { size: number; scale?: number }) {
    if (!Number.isInteger(Math.log2(scale))) {
      throw new RangeError(
        `Cannot sum in half precision: the scale must be a power of two, found ${scale}`,
      );
    }
    this.length = length;
    this.size = size;
    this.#scale = scale;
    this.#piece = Math.ceil(length / size);
    const padded = this.#piece * size;
    this.#mine = new Float16Array(padded);
    this.#theirs = new Float16Array(padded);
    this.#result = new Float16Array(this.#piece);
    this.#errors = new Float32Array(length);
    this.#pieceErrors = new Float32Array(this.#piece);
  }

  #addPieces(): void {
    const [theirs, sums, piece] = [this.#theirs, this.#pieceErrors, this.#piece];
    for (let from = 0; from < theirs.length; from += piece) {
      for (let at = 0; at < piece; at++) sums[at] = (sums[at] ?? 0) + (theirs[from + at] ?? 0);
    }
    round(sums, this.#result);
  }

  /**
   * Sums numbers over all ranks, in place.
   *
   * @param values This rank's numbers, {@link HalfExchange.length} of them; afterwards the sums.
   * @param pieces The ranks.
   */
  async sum(values: Float32Array, pieces: PieceExchange): Promise<void> {
    const [errors, scale] = [this.#errors, this.#scale];
    for (let at = 0; at < values.length; at++) {
      errors[at] = (errors[at] ?? 0) + (values[at] ?? 0) * scale;
    }
    round(errors, this.#mine);
    await pieces.swap(this.#mine, this.#theirs);
    this.#addPieces();
    await pieces.gather(this.#result, this.#theirs);
    for (let at = 0; at < values.length; at++) {
      values[at] = (this.#theirs[at] ?? 0) / scale;
    }
  }
}
