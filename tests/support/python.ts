const CANDIDATES = ["/usr/bin/python3", "python3"];

async function has(python: string, modules: readonly string[]): Promise<boolean> {
  try {
    const args = ["-c", `import ${modules.join(", ")}`];
    return (await new Deno.Command(python, { args, stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A Python with certain modules. */
export interface Python {
  /** What a test is called that needs it: it says so where there is none. */
  readonly note: string;
  /** Whether there is none. */
  readonly ignore: boolean;
  /** Its program, `null` where there is none. */
  readonly path: string | null;
  /** Runs a script with arguments, and returns what it printed. */
  run(script: string, args: readonly string[]): Promise<string>;
}

/** Looks for a Python that can import certain modules. */
export async function findPython(modules: readonly string[]): Promise<Python> {
  let found: string | undefined;
  for (const python of CANDIDATES) {
    if (found === undefined && await has(python, modules)) found = python;
  }
  return {
    note: found === undefined ? ` (ignored: no Python with ${modules.join(", ")})` : "",
    ignore: found === undefined,
    path: found ?? null,
    async run(script, args) {
      if (found === undefined) throw new Error("Cannot run a script: no Python was found");
      const { success, stdout, stderr } = await new Deno.Command(found, {
        args: ["-c", script, ...args],
      }).output();
      const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      if (!success) throw new Error(decode(stderr));
      return decode(stdout);
    },
  };
}
