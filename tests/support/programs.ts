import type { Outcome } from "./command.ts";

/** Runs a program to its end; one that is not there ends with 127. */
export async function runProgram(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      env: { ...env, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: decode(stdout), stderr: decode(stderr) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { code: 127, stdout: "", stderr: `${program} is not there` };
  }
}

/** What a test is called that needs something, and whether it is left out. */
export interface Found {
  /** Whether tests that need it are left out. */
  readonly ignore: boolean;
  /** What their names then end with. */
  readonly note: string;
}

/**
 * Looks for a program, and installs its packages where that is possible.
 *
 * @param program The program.
 * @param options.packages The packages of Debian and Ubuntu.
 * @param options.args What it ends well with, where it is there.
 */
export async function findProgram(
  program: string,
  { packages, args }: { packages: readonly string[]; args: readonly string[] },
): Promise<Found> {
  const isThere = async () => (await runProgram(program, args)).code === 0;
  const apt = (...args: string[]) =>
    runProgram("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
      DEBIAN_FRONTEND: "noninteractive",
    });
  if (await isThere()) return { ignore: false, note: "" };
  await apt("update");
  await apt("install", "-y", "--no-install-recommends", ...packages);
  if (await isThere()) return { ignore: false, note: "" };
  return {
    ignore: true,
    note: ` (ignored: no ${program} that works, and apt-get cannot install ${packages.join(", ")})`,
  };
}
