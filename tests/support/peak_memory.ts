/** Watches the memory of this process from a thread of its own. */
export class PeakMemory implements Disposable {
  readonly #worker = new Worker(new URL("./rss_worker.ts", import.meta.url), { type: "module" });

  /** The most bytes that were resident since the start. */
  read(): Promise<number> {
    return new Promise((resolve) => {
      this.#worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
      this.#worker.postMessage(null);
    });
  }

  /** Ends the thread. */
  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
