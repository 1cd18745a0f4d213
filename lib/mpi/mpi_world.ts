import { Exchanges } from "./exchanges.ts";
import type { HalfExchange } from "./half_exchange.ts";
import type { MpiLibrary } from "./library.ts";
import type { OwnPlace } from "./rank_place.ts";
import { wantExchange, wantGathered, wantRoot, type World } from "./world.ts";

/** How long MPI_Abort may take: it can hang itself where the link is cut. */
const ABORT_PATIENCE_MS = 2000;

/** The world of a library of MPI that is initialised. */
export class MpiWorld implements World {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly #library: MpiLibrary;
  readonly #exchanges: Exchanges;
  /** The last turn taken. When one has failed, all that follow reject with its error. */
  #last: Promise<void> = Promise.resolve();

  /**
   * Begins with no exchange under way.
   *
   * @param library The library.
   * @param place This process's place.
   * @param timeoutSeconds How long an exchange may take.
   */
  constructor(library: MpiLibrary, place: OwnPlace, timeoutSeconds: number) {
    ({ rank: this.rank, size: this.size, localRank: this.localRank } = place);
    this.#library = library;
    this.#exchanges = new Exchanges(library, place, timeoutSeconds);
  }

  /** Exchanges when all before have ended, since every rank must begin them in the same order. */
  #inTurn(exchange: (exchanges: Exchanges) => Promise<void>): Promise<void> {
    this.#last = this.#last.then(() => exchange(this.#exchanges));
    return this.#last;
  }

  sum(values: Float32Array<ArrayBuffer>): Promise<void> {
    return this.#inTurn((exchanges) => exchanges.sum(values));
  }

  async sumHalf(values: Float32Array<ArrayBuffer>, half: HalfExchange): Promise<void> {
    wantExchange(half, values.length, this.size);
    if (this.size > 1) await this.#inTurn((exchanges) => half.sum(values, exchanges));
  }

  max(values: Uint32Array<ArrayBuffer>): Promise<void> {
    return this.#inTurn((exchanges) => exchanges.max(values));
  }

  async broadcast(
    bytes: Uint8Array<ArrayBuffer>,
    { root = 0 }: { readonly root?: number } = {},
  ): Promise<void> {
    wantRoot(root, this.size);
    await this.#inTurn((exchanges) => exchanges.broadcast(bytes, root));
  }

  async gather(
    mine: Float32Array<ArrayBuffer>,
    all: Float32Array<ArrayBuffer>,
  ): Promise<void> {
    wantGathered(mine, all, this.size);
    await this.#inTurn((exchanges) => exchanges.gather(mine, all));
  }

  barrier(): Promise<void> {
    return this.#inTurn((exchanges) => exchanges.barrier());
  }

  async abort(code: number): Promise<never> {
    const { calls, handles: { world } } = this.#library;
    const patience = new Promise((resolve) => setTimeout(resolve, ABORT_PATIENCE_MS));
    await Promise.race([calls.MPI_Abort(world, code), patience]);
    Deno.exit(code);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isUsable = await this.#last.then(() => true, () => false);
    if (isUsable) await this.#inTurn((exchanges) => exchanges.finalize());
  }
}
