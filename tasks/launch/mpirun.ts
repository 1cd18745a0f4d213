import { readProgram } from "./program.ts";

/** Who makes an MPI. */
export type MpiMaker = "Open MPI" | "MPICH";

/** A program that starts ranks. */
export interface Mpirun {
  /** Its name. */
  readonly program: string;
  /** Whose it is. */
  readonly maker: MpiMaker;
}

/** What such programs are called: by everybody, and by Debian where both are installed. */
export const MPIRUN_NAMES = ["mpirun", "mpiexec", "mpirun.openmpi", "mpirun.mpich"] as const;

/**
 * Reads whose program it is.
 *
 * @param version What it prints for `--version`.
 * @returns The maker, of Intel MPI and others built on it MPICH; `null` where it is none of these.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(makerOf("mpirun (Open MPI) 4.1.4"), "Open MPI");
 * assert.equal(makerOf("HYDRA build details:"), "MPICH");
 * ```
 */
export function makerOf(version: string): MpiMaker | null {
  if (/Open MPI|OpenRTE|PRRTE/.test(version)) return "Open MPI";
  return /HYDRA|MPICH|Intel\(R\) MPI/.test(version) ? "MPICH" : null;
}

/** Whose a library is, by its name; `null` where that does not tell. */
function makerOfLibrary(path: string): MpiMaker | null {
  if (/\.so\.40$/.test(path)) return "Open MPI";
  return /mpich|\.so\.12$/.test(path) ? "MPICH" : null;
}

/**
 * Looks for a program that starts ranks.
 *
 * @param options.library The library that ranks open, whose maker's program it then must be.
 * @param options.versionOf What a program prints for `--version`, `null` where there is no such program.
 * @returns The first in `PATH`, `null` where there is none.
 */
export async function findMpirun(
  { library = "", versionOf = askVersion }: {
    readonly library?: string | undefined;
    readonly versionOf?: (program: string) => Promise<string | null>;
  } = {},
): Promise<Mpirun | null> {
  const wanted = makerOfLibrary(library);
  for (const program of MPIRUN_NAMES) {
    const version = await versionOf(program);
    const maker = version === null ? null : makerOf(version);
    if (maker !== null && (wanted === null || maker === wanted)) return { program, maker };
  }
  return null;
}

async function askVersion(program: string): Promise<string | null> {
  // As root, Open MPI says its version only where that is allowed.
  const { code, text } = await readProgram([program, "--version"], { env: ROOT_VARIABLES });
  return code === 0 ? text : null;
}

/** What Open MPI wants of the superuser, such as that of a container. */
export const ROOT_VARIABLES = {
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
} as const;

/**
 * Gives the words that start ranks on this machine; the command of a rank follows.
 *
 * @param mpirun The program.
 * @param count How many ranks there are.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const words = mpirunWords({ program: "mpirun.mpich", maker: "MPICH" }, 2);
 * assert.deepEqual(words, ["mpirun.mpich", "-n", "2"]);
 * ```
 */
export function mpirunWords({ program, maker }: Mpirun, count: number): string[] {
  const words = [program, "-n", `${count}`];
  if (maker === "MPICH") return words;
  return [
    ...words,
    "--quiet",
    // Ranks and cores have been counted here; how Open MPI counts them differs from container to container.
    "--oversubscribe",
    // A rank has threads that decode images, and those of a software adapter: one core is not enough.
    "--bind-to",
    "none",
    // Those threads also get the cores of ranks that wait.
    "--mca",
    "mpi_yield_when_idle",
    "1",
  ];
}
