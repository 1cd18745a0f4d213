import { mpiLibraryPaths } from "../../lib/mpi/library_paths.ts";
import { RANK_VARIABLES, type RankPlace } from "../../lib/mpi/rank_place.ts";
import type { Outcome } from "./command.ts";
import { findProgram, type Found, runProgram } from "./programs.ts";
import { tempFolder } from "./temp_folder.ts";

/** One of the two MPIs, under the names that Debian gives their launchers. */
export interface Mpi {
  /** The launcher's program. */
  readonly program: string;
  /** The package that installs it. */
  readonly packageName: string;
  /** What {@link RankPlace} calls it. */
  readonly launcher: RankPlace["launcher"];
  /** What a container with few cores needs. */
  readonly flags: readonly string[];
}

/** Open MPI. */
export const OPEN_MPI: Mpi = {
  program: "mpirun.openmpi",
  packageName: "openmpi-bin",
  launcher: "mpirun of Open MPI",
  flags: ["--allow-run-as-root", "--oversubscribe"],
};

/** MPICH. */
export const MPICH: Mpi = {
  program: "mpirun.mpich",
  packageName: "mpich",
  launcher: "mpirun of MPICH",
  flags: [],
};

/** Looks for a launcher, and installs its package where that is possible. */
export async function findMpi({ program, packageName }: Mpi): Promise<Found> {
  return await findProgram(program, { packages: [packageName], args: ["--version"] });
}

const SCRIPT = new URL("mpi_run.ts", import.meta.url).pathname;

/** What a process may do, and what it opens. */
export interface ProcessOptions {
  /** The library that it is told to open. Default: none, so that it looks. */
  readonly library?: string;
  /** The libraries that it may open. Default: all places of the launcher's. */
  readonly allowed?: readonly string[];
  /** The environment variables that it may read. Default: those of launchers. */
  readonly variables?: readonly string[];
}

/** The command of scenes of `mpi_run.ts`, with the permissions that a user would give and nobody to ask. */
function sceneCommand(
  scenes: string,
  {
    library,
    allowed = mpiLibraryPaths(),
    variables = [...RANK_VARIABLES, "LD_LIBRARY_PATH"],
  }: ProcessOptions,
): string[] {
  return [
    "run",
    "--quiet",
    "--no-prompt",
    `--allow-ffi=${allowed.join(",")}`,
    `--allow-env=${variables.join(",")}`,
    SCRIPT,
    scenes,
    ...(library === undefined ? [] : [library]),
  ];
}

/** Runs scenes of `mpi_run.ts` in every rank, by default two, to the end of the last. */
export function runRanks(
  { program, flags, launcher }: Mpi,
  scenes: string,
  { ranks = 2, ...options }: ProcessOptions & { readonly ranks?: number } = {},
): Promise<Outcome> {
  const words = sceneCommand(scenes, { allowed: mpiLibraryPaths({ launcher }), ...options });
  return runProgram(program, [...flags, "-n", `${ranks}`, Deno.execPath(), ...words]);
}

/** Runs a script of the tests that may do everything in every rank, to the end of the last. */
export function runScript(
  { program, flags }: Mpi,
  script: string,
  { args, ranks }: { args: readonly string[]; ranks: number },
): Promise<Outcome> {
  const path = new URL(script, import.meta.url).pathname;
  // Ranks that wait for others leave their core to these.
  const env = { OMPI_MCA_mpi_yield_when_idle: "1" };
  const words = ["run", "--quiet", "--no-check", "-A", path, ...args];
  return runProgram(program, [...flags, "-n", `${ranks}`, Deno.execPath(), ...words], env);
}

/** Runs scenes of `mpi_run.ts` without a launcher, or with the environment of one. */
export function runAlone(
  scenes: string,
  { env = {}, ...options }: ProcessOptions & { readonly env?: Record<string, string> } = {},
): Promise<Outcome> {
  return runProgram(Deno.execPath(), sceneCommand(scenes, options), env);
}

/** A folder in which `mpirun` is that of one MPI. */
export async function mpirunFolder({ program }: Mpi) {
  const folder = await tempFolder();
  const text = `#!/bin/sh\nexec ${program} "$@"\n`;
  await Deno.writeTextFile(`${folder.path}/mpirun`, text, { mode: 0o755 });
  return folder;
}
