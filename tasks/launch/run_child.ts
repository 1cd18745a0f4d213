import { StopSignals } from "../command_line/stop_signals.ts";
import { type ProgramOptions, startProgram } from "./program.ts";

/** How a process is run in this one's place. */
export interface ChildOptions extends Pick<ProgramOptions, "env" | "detached"> {
  /** The signal that asks it to stop. */
  readonly stopSignal: Deno.Signal;
  /** Whether it is killed where the process that started this one dies. Default: false. */
  readonly endsWithParent?: boolean;
}

const WATCH_MS = 1000;

/** Kills the process of its argument unless it reads a line before its standard input ends. */
const GUARD = 'trap "" INT TERM HUP USR2; read -r line || kill -KILL "$0"';

/** Ends a process when this one dies, however that happens. */
class Guard implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;

  constructor(pid: number) {
    this.#process = startProgram(["sh", "-c", GUARD, `${pid}`], {
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    });
  }

  /** Lets the process be. */
  async [Symbol.asyncDispose](): Promise<void> {
    const writer = this.#process.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n")).catch(() => {}); // The guard was ended.
    await writer.close().catch(() => {});
    await this.#process.status;
  }
}

/**
 * Runs a process in the place of this one: a signal that asks to stop is passed on, and its end is waited for. If this
 * process is killed, so is the other one.
 *
 * @param words The program and its arguments.
 * @param options Its environment, and how it is stopped.
 * @returns Its exit code; after a signal 128 plus the signal's number, unless it has failed.
 */
export async function runChild(
  words: readonly string[],
  { stopSignal, endsWithParent = false, ...options }: ChildOptions,
): Promise<number> {
  using stop = new StopSignals();
  // What is in a session of its own may not read from the terminal.
  const child = startProgram(words, { stdin: options.detached ? "null" : "inherit", ...options });
  await using _guard = new Guard(child.pid);
  const send = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended by itself.
    }
  };
  stop.signal.addEventListener("abort", () => send(stopSignal), { once: true });
  const parent = Deno.ppid;
  const watch = setInterval(() => {
    if (endsWithParent && Deno.ppid !== parent) send("SIGKILL");
  }, WATCH_MS);
  const { code } = await child.status;
  clearInterval(watch);
  const hasFailed = code > 0 && code < 128; // Beyond it, a signal ended it, or it says which one it obeyed.
  return stop.exitCode === 0 || hasFailed ? code : stop.exitCode;
}
