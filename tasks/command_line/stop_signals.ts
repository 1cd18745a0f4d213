const SAME_PRESS_MS = 2000;

/** A signal that stops a command, and the exit code that says so. */
interface StopSignal {
  readonly name: Deno.Signal;
  readonly exitCode: number;
}

const INTERRUPT: StopSignal = { name: "SIGINT", exitCode: 130 };
const TERMINATE: StopSignal = { name: "SIGTERM", exitCode: 143 };
const HANG_UP: StopSignal = { name: "SIGHUP", exitCode: 129 };
/** Passed on by mpirun of Open MPI, which kills ranks a second after a SIGTERM. */
const PASSED_ON: StopSignal = { name: "SIGUSR2", exitCode: 143 };
const SIGNALS = Deno.build.os === "windows"
  ? [INTERRUPT]
  : [INTERRUPT, TERMINATE, HANG_UP, PASSED_ON];

/**
 * Turns Ctrl-C, SIGTERM, the SIGHUP of a terminal that is closed, and SIGUSR2, which `mpirun` passes on, into an abort
 * signal. Ctrl-C, SIGTERM or SIGUSR2 again within two seconds is ignored, since `deno task` passes on a signal that the whole process group gets anyway; after that it
 * ends the process at once. SIGHUP never does, and where it was ignored from the start, as `nohup` has it, it stays so.
 */
export class StopSignals implements Disposable {
  readonly #controller = new AbortController();
  readonly #handlers = new Map<Deno.Signal, () => void>();
  #first: { signal: StopSignal; at: number } | null = null;

  constructor() {
    const isHangUpIgnored = startedWithoutHangUp();
    for (const signal of SIGNALS) {
      // Deno's own handler of SIGHUP, which comes with any other, would end the process.
      const isIgnored = signal === HANG_UP && isHangUpIgnored;
      const handler = isIgnored ? () => {} : () => this.#stop(signal);
      this.#handlers.set(signal.name, handler);
      Deno.addSignalListener(signal.name, handler);
    }
  }

  /** Aborted once a signal has come. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code that says which signal came, 0 if none did. */
  get exitCode(): number {
    return this.#first?.signal.exitCode ?? 0;
  }

  #stop(signal: StopSignal): void {
    const now = performance.now();
    if (this.#first === null) {
      this.#first = { signal, at: now };
      this.#controller.abort();
    } else if (signal !== HANG_UP && now - this.#first.at > SAME_PRESS_MS) {
      Deno.exit(signal.exitCode);
    }
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    for (const [name, handler] of this.#handlers) Deno.removeSignalListener(name, handler);
  }
}

/**
 * Whether this process was started with SIGHUP ignored, as `nohup` does. Deno does not report it, but a process that
 * it starts inherits it. Where that cannot be asked, it counts as not ignored.
 */
function startedWithoutHangUp(): boolean {
  const { state } = Deno.permissions.querySync({ name: "run", command: "grep" });
  if (Deno.build.os !== "linux" || state !== "granted") return false;
  const args = ["-q", "^SigIgn:.*[13579bdf]$", "/proc/self/status"]; // SIGHUP is the lowest bit.
  try {
    return new Deno.Command("grep", { args, clearEnv: true, stdin: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
