const PATIENCE_MS = 60_000;

/** A process under way, whose standard error is read as it comes; after a minute it is ended. */
export class RunningProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #arrivals: ReadableStreamDefaultReader<string>;
  readonly #stdout: Promise<string>;
  readonly #timer: ReturnType<typeof setTimeout>;
  #stderr = "";

  /** Starts a command, whose output must be piped. */
  constructor(command: Deno.Command) {
    this.#child = command.spawn();
    this.#arrivals = this.#child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    this.#stdout = new Response(this.#child.stdout).text();
    this.#timer = setTimeout(() => this.#kill(), PATIENCE_MS);
  }

  /** Its number. */
  get pid(): number {
    return this.#child.pid;
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#arrivals.read();
    this.#stderr += value ?? "";
    return !done;
  }

  /** Waits until standard error matches, and gives the pattern's first group, or nothing. */
  async says(pattern: RegExp): Promise<string> {
    while (true) {
      const match = pattern.exec(this.#stderr);
      if (match !== null) return match[1] ?? "";
      if (!await this.#more()) throw new Error(`Cannot find ${pattern} in:\n${this.#stderr}`);
    }
  }

  /** Sends a signal. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits for the end. */
  async end(): Promise<{ code: number; stdout: string; stderr: string }> {
    while (await this.#more());
    const { code } = await this.#child.status;
    clearTimeout(this.#timer);
    return { code, stdout: await this.#stdout, stderr: this.#stderr };
  }

  /** Ends the process, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.end();
  }
}
