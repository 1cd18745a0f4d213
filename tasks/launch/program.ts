/**
 * What starts every other program. Deno lets a process that may run only named programs hand on neither `LD_LIBRARY_PATH`
 * nor `LD_PRELOAD`, without which MPI may not be found; as its arguments, `env` hands on anything.
 */
const ENV = "/usr/bin/env";

const LOADER_VARIABLES = ["LD_LIBRARY_PATH", "LD_PRELOAD"] as const;

/**
 * Reads a variable of the environment.
 *
 * @param name Its name.
 * @returns Its value, `undefined` as well where it may not be read.
 */
export function readVariable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

/** Whether this process may start programs. */
export function mayRunPrograms(): boolean {
  return Deno.permissions.querySync({ name: "run", command: ENV }).state === "granted";
}

/** How a program is started. */
export interface ProgramOptions extends
  Pick<
    Deno.CommandOptions,
    "stdin" | "stdout" | "stderr" | "detached"
  > {
  /** Variables of its environment beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts a program, with the whole environment of this process.
 *
 * @param words The program, looked up in `PATH`, and its arguments.
 * @param options Where its streams go, and what its environment has beside.
 * @returns The process; it ends with 127 where there is no such program.
 */
export function startProgram(
  words: readonly string[],
  { env = {}, ...options }: ProgramOptions = {},
): Deno.ChildProcess {
  const loader = new Map<string, string>();
  for (const name of LOADER_VARIABLES) {
    const value = readVariable(name);
    if (value !== undefined) loader.set(name, value);
  }
  const settings = [...loader, ...Object.entries(env)].map(([name, value]) => `${name}=${value}`);
  for (const name of loader.keys()) Deno.env.delete(name);
  try {
    return new Deno.Command(ENV, { args: [...settings, ...words], ...options }).spawn();
  } finally {
    for (const [name, value] of loader) Deno.env.set(name, value);
  }
}

/**
 * Runs a program to its end.
 *
 * @param words The program and its arguments.
 * @param options.env Variables of its environment beside those of this process.
 * @returns Its exit code, and what it printed on standard output.
 */
export async function readProgram(
  words: readonly string[],
  { env = {} }: Pick<ProgramOptions, "env"> = {},
): Promise<{ code: number; text: string }> {
  const child = startProgram(words, { env, stdin: "null", stdout: "piped", stderr: "null" });
  const { code, stdout } = await child.output();
  return { code, text: new TextDecoder().decode(stdout) };
}
