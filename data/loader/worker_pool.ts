/** Requests that a worker has at a time, so that it resizes for one while others decode: of 2, 3 and 4 the fastest. */
const REQUESTS_A_WORKER = 4;

interface Waiting<Request, Reply> {
  readonly request: Request;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

interface Hand {
  readonly worker: Worker;
  busy: number;
}

/**
 * Workers that answer requests, which are begun in the order in which they come. A worker is sent `{ id, request }` and
 * sends back `{ id, reply }`.
 */
export class WorkerPool<Request, Reply> implements Disposable {
  readonly #hands: readonly Hand[];
  readonly #waiting: Waiting<Request, Reply>[] = [];
  readonly #asked = new Map<number, Waiting<Request, Reply>>();
  #next = 0;
  #failure: Error | null = null;

  /**
   * Starts the workers.
   *
   * @param start Starts one.
   * @param options.workers How many. Default: one for each processor.
   * @throws {RangeError} If their number is not a whole number from 1 on.
   */
  constructor(
    start: () => Worker,
    { workers = navigator.hardwareConcurrency }: { workers?: number | undefined } = {},
  ) {
    if (!Number.isInteger(workers) || workers < 1) {
      throw new RangeError(
        `Cannot start workers: their number must be at least 1, found ${workers}`,
      );
    }
    this.#hands = Array.from({ length: workers }, () => ({ worker: start(), busy: 0 }));
    for (const hand of this.#hands) {
      hand.worker.onmessage = ({ data }: MessageEvent<{ id: number; reply: Reply }>) =>
        this.#finish(hand, data);
      hand.worker.onerror = (event) => {
        event.preventDefault();
        this.#fail(new Error(`Cannot decode images: a worker has ended, saying: ${event.message}`));
      };
    }
  }

  /** The number of workers. */
  get workers(): number {
    return this.#hands.length;
  }

  /**
   * Has a request answered.
   *
   * @throws {Error} If a worker has ended or the pool has been closed.
   */
  run(request: Request): Promise<Reply> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      this.#handOut();
    });
  }

  #handOut(): void {
    for (let load = 0; load < REQUESTS_A_WORKER; load++) {
      for (const hand of this.#hands.filter(({ busy }) => busy === load)) {
        const next = this.#waiting.shift();
        if (next === undefined) return;
        const id = this.#next++;
        hand.busy++;
        this.#asked.set(id, next);
        hand.worker.postMessage({ id, request: next.request });
      }
    }
  }

  #finish(hand: Hand, { id, reply }: { id: number; reply: Reply }): void {
    hand.busy--;
    this.#asked.get(id)?.resolve(reply);
    this.#asked.delete(id);
    this.#handOut();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { worker } of this.#hands) worker.terminate();
    for (const { reject } of [...this.#asked.values(), ...this.#waiting]) reject(this.#failure);
    this.#asked.clear();
    this.#waiting.length = 0;
  }

  /** Ends the workers; what has been asked and not answered is refused. */
  [Symbol.dispose](): void {
    this.#fail(new Error("Cannot decode images: the workers have been ended"));
  }
}
