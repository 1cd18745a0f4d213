const CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };
const SAME_PRESS_MS = 2000;

/**
 * Turns Ctrl-C and SIGTERM into an abort signal. The same signal again within two seconds is ignored, since `deno task`
 * passes on a signal that the whole process group gets anyway; after that it ends the process at once.
 */
export class StopSignals implements Disposable {
  readonly #controller = new AbortController();
  readonly #handlers = new Map<Deno.Signal, () => void>();
  #first: { name: string; at: number } | null = null;

  constructor() {
    const names: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
    for (const name of names) {
      const handler = () => this.#stop(name);
      this.#handlers.set(name, handler);
      Deno.addSignalListener(name, handler);
    }
  }

  /** Aborted once a signal has come. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code that says which signal came, 0 if none did. */
  get exitCode(): number {
    return this.#first === null ? 0 : CODES[this.#first.name] ?? 1;
  }

  #stop(name: string): void {
    const now = performance.now();
    if (this.#first === null) {
      this.#first = { name, at: now };
      this.#controller.abort();
    } else if (now - this.#first.at > SAME_PRESS_MS) {
      Deno.exit(CODES[name] ?? 1);
    }
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    for (const [name, handler] of this.#handlers) Deno.removeSignalListener(name, handler);
  }
}
