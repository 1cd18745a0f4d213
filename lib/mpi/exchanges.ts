import type { PieceExchange } from "./half_exchange.ts";
import type { MpiLibrary } from "./library.ts";
import type { OwnPlace } from "./rank_place.ts";
import { settle } from "./settle.ts";

type View = ArrayBufferView<ArrayBuffer>;

/** The exchanges of one rank, each a call of MPI that is checked and timed. One at a time may be under way. */
export class Exchanges implements PieceExchange {
  readonly #library: MpiLibrary;
  readonly #place: OwnPlace;
  readonly #timeoutSeconds: number;
  /** The lists that MPI works on, of which the collector of garbage knows nothing. */
  readonly #lent = new Set<readonly View[]>();
  #count = 0;

  /**
   * Begins with the library initialised.
   *
   * @param library The library.
   * @param place The rank.
   * @param timeoutSeconds How long an exchange may take.
   */
  constructor(library: MpiLibrary, place: OwnPlace, timeoutSeconds: number) {
    this.#library = library;
    this.#place = place;
    this.#timeoutSeconds = timeoutSeconds;
  }

  async #run(
    action: string,
    lists: readonly View[],
    begin: (library: MpiLibrary) => Promise<number>,
  ): Promise<void> {
    this.#count++;
    this.#lent.add(lists);
    const result = begin(this.#library).finally(() => this.#lent.delete(lists));
    const { rank, size } = this.#place;
    await settle(this.#library, result, {
      action: `${action} ${size} ranks`,
      waiter: `rank ${rank} in exchange ${this.#count}`,
      timeoutSeconds: this.#timeoutSeconds,
    });
  }

  /** Adds up numbers over all ranks, in place. */
  sum(values: Float32Array<ArrayBuffer>): Promise<void> {
    const { length } = values;
    return this.#run(
      `sum ${length} numbers over`,
      [values],
      ({ calls, handles: { inPlace, float, sum, world } }) =>
        calls.MPI_Allreduce(inPlace, values, length, float, sum, world),
    );
  }

  /** Finds the largest over all ranks number by number, in place. */
  max(values: Uint32Array<ArrayBuffer>): Promise<void> {
    const { length } = values;
    return this.#run(
      `find the largest of ${length} numbers over`,
      [values],
      ({ calls, handles: { inPlace, uint32, max, world } }) =>
        calls.MPI_Allreduce(inPlace, values, length, uint32, max, world),
    );
  }

  /** Gives the bytes of one rank to all. */
  broadcast(bytes: Uint8Array<ArrayBuffer>, root: number): Promise<void> {
    const { length } = bytes;
    return this.#run(
      `broadcast ${length} bytes of rank ${root} to`,
      [bytes],
      ({ calls, handles: { byte, world } }) => calls.MPI_Bcast(bytes, length, byte, root, world),
    );
  }

  /** Gives the list of every rank to all, in the order of ranks. */
  gather(mine: View, all: View): Promise<void> {
    const { byteLength } = mine;
    return this.#run(
      `gather ${byteLength} bytes from each of`,
      [mine, all],
      ({ calls, handles: { byte, world } }) =>
        calls.MPI_Allgather(mine, byteLength, byte, all, byteLength, byte, world),
    );
  }

  /** Sends the n-th of equal pieces to rank n, and gets a piece of every rank, in their order. */
  swap(mine: View, theirs: View): Promise<void> {
    const bytes = mine.byteLength / this.#place.size;
    return this.#run(
      `swap pieces of ${bytes} bytes between`,
      [mine, theirs],
      ({ calls, handles: { byte, world } }) =>
        calls.MPI_Alltoall(mine, bytes, byte, theirs, bytes, byte, world),
    );
  }

  /** Waits until every rank has come here. */
  barrier(): Promise<void> {
    return this.#run(
      "pass a barrier of",
      [],
      ({ calls, handles }) => calls.MPI_Barrier(handles.world),
    );
  }

  /** Ends the use of MPI, which waits for all ranks. */
  finalize(): Promise<void> {
    return this.#run("end the run of", [], ({ calls }) => calls.MPI_Finalize());
  }
}
