const ROOT = new URL("../../../", import.meta.url).pathname;

/** Where a child process runs, and until when. */
export interface ChildOptions {
  /** The folder that relative paths of tasks count from; the process itself runs in the project's. */
  readonly out: string;
  /** The file there that gets what the process says, without `.txt`. */
  readonly name: string;
  /** Ends the process, and all that it has started. */
  readonly signal: AbortSignal;
  /** Variables of its environment beside those of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/**
 * Runs a process to its end, and keeps what it says.
 *
 * @param words The program and its arguments; `deno` is the one that runs this.
 * @returns Its exit code, and what it said on both of its streams.
 */
export async function runToFile(
  [program = "", ...args]: readonly string[],
  { out, name, signal, env = {} }: ChildOptions,
): Promise<{ code: number; text: string }> {
  using file = await Deno.open(`${out}/${name}.txt`, { write: true, create: true, truncate: true });
  // A group of its own, so that what it starts ends with it.
  const child = new Deno.Command(program === "deno" ? Deno.execPath() : program, {
    args,
    cwd: ROOT,
    env: { ...env, INIT_CWD: out, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  const kill = () => {
    child.unref(); // One that waits for a driver may never end.
    try {
      Deno.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  let text = "";
  const relay = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      text += part;
      await file.write(new TextEncoder().encode(part));
    }
  };
  await Promise.all([relay(child.stdout), relay(child.stderr)]);
  const { code } = await child.status;
  signal.removeEventListener("abort", kill);
  return { code, text };
}
