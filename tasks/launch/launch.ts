import { mpiLibraryPaths } from "../../lib/mpi/library_paths.ts";
import { RANK_VARIABLES, type RankPlace, rankPlaceOf } from "../../lib/mpi/rank_place.ts";
import { UsageError } from "../command_line/flags.ts";
import { say } from "../command_line/screen.ts";
import { chooseCard } from "./choose_card.ts";
import { wantCard } from "./hidden_card.ts";
import type { LaunchRequest } from "./launch_request.ts";
import { findMpirun, type Mpirun, mpirunWords, ROOT_VARIABLES } from "./mpirun.ts";
import { cardChoice, openCard } from "./open_card.ts";
import { mayRunPrograms, readProgram, readVariable } from "./program.ts";
import { runChild } from "./run_child.ts";
import { type LaunchedTask, taskWords } from "./task_words.ts";

/** The variables that tell a rank; a process that is none reads no others. */
const SIGNS = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"] as const;

/** The exit codes of a run that ended, was refused, or was stopped, and has said so. */
const EXPLAINED: readonly number[] = [0, 1, 2, 129, 130, 143];

/**
 * Starts what a training on many GPUs consists of, where this process is not that yet.
 *
 * - With `--ngpu` above 1 it starts ranks with `mpirun`.
 * - A rank whose permissions do not reach for MPI, as those of `deno task` do not, is started again with them.
 * - A rank, or a process with `--gpu_id`, chooses its card and goes on.
 * - A process that would compute on the CPU, beside a card, does not go on.
 *
 * @param task The task.
 * @param request What the command line says of it.
 * @param argv The arguments of the command line.
 * @returns The exit code of what was started, `null` where this process goes on itself.
 * @throws {UsageError} If the command line asks for something that this machine does not have.
 */
export async function launch(
  task: LaunchedTask,
  request: LaunchRequest,
  argv: readonly string[] = Deno.args,
): Promise<number | null> {
  const { ngpu = 1, gpu_id } = request;
  if (SIGNS.some((name) => readVariable(name) !== undefined)) {
    return await joinRanks(task, request, argv);
  }
  if (ngpu > 1) return await startRanks(task, request, argv);
  if (gpu_id !== undefined) await openCard(request, { localRank: 0, localSize: 1 });
  await wantCard(request);
  return null;
}

/** Goes on as a rank, or starts it again with the permissions of one. */
async function joinRanks(
  task: LaunchedTask,
  request: LaunchRequest,
  argv: readonly string[],
): Promise<number | null> {
  if (!RANK_VARIABLES.every((variable) => isGranted({ name: "env", variable }))) {
    wantPrograms("join the ranks", "--allow-ffi and --allow-env, or --allow-run=/usr/bin/env");
    // What is left of a rank whose parent was killed would go unnoticed by MPICH.
    return await runChild(wordsOf(task, request, argv), {
      stopSignal: "SIGTERM",
      endsWithParent: true,
    });
  }
  wantLibrary(request);
  const place = ownPlace();
  const { ngpu = place.size } = request;
  if (ngpu !== place.size) {
    throw new UsageError(
      `Cannot join the ranks: --ngpu must be their number or left out, found ${ngpu} for ${place.size} ranks`,
    );
  }
  await openCard(request, place);
  await wantCard(request);
  return null;
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

function wantLibrary({ mpi_library: library }: LaunchRequest): void {
  const libraryPath = readVariable("LD_LIBRARY_PATH");
  const paths = library === undefined ? mpiLibraryPaths({ libraryPath }) : [library];
  if (paths.some((path) => isGranted({ name: "ffi", path }))) return;
  throw new Error(
    `Cannot join the ranks: wanted --allow-ffi with the path of MPI's library, such as ${
      paths.at(0)
    }, found no such permission`,
  );
}

function ownPlace(): RankPlace {
  const variables = RANK_VARIABLES.flatMap((name) => {
    const value = readVariable(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const place = rankPlaceOf(Object.fromEntries(variables));
  if (place !== null) return place;
  throw new Error(
    "Cannot join the ranks: wanted the variables of mpirun, or of srun with --mpi=pmix, found only " +
      variables.map(([name]) => name).join(", "),
  );
}

/** Starts the ranks on this machine, and waits for their end. */
async function startRanks(
  task: LaunchedTask,
  request: LaunchRequest,
  argv: readonly string[],
): Promise<number> {
  const { ngpu: count = 1, oversubscribe = false, mpi_library: library } = request;
  const cores = navigator.hardwareConcurrency;
  if (count > cores && !oversubscribe) {
    throw new UsageError(
      `Cannot start ${count} ranks: wanted a core for each, found ${cores}; --oversubscribe lets ranks share cores`,
    );
  }
  wantPrograms(`start ${count} ranks`, "--allow-run=/usr/bin/env");
  const choice = await cardChoice(request, { localRank: 0, localSize: count });
  for (let localRank = 0; localRank < count; localRank++) {
    chooseCard({ ...choice, place: { localRank, localSize: count } });
  }
  await wantCard(request);
  const mpirun = await findMpirun({ library });
  if (mpirun === null) {
    throw new Error(
      `Cannot start ${count} ranks: wanted mpirun of Open MPI or MPICH, found none; ` +
        "on Debian and Ubuntu: apt-get install openmpi-bin",
    );
  }
  const words = [...mpirunWords(mpirun, count), ...wordsOf(task, request, argv)];
  const code = await runChild(words, {
    env: await rootVariables(mpirun),
    // Away from the terminal, whose Ctrl-C mpirun would take for itself.
    detached: true,
    // Open MPI answers SIGTERM by killing ranks a second later, but passes this one on.
    stopSignal: mpirun.maker === "Open MPI" ? "SIGUSR2" : "SIGTERM",
  });
  if (!EXPLAINED.includes(code)) {
    say(
      `error: Cannot go on: every rank must come to its end, found exit code ${code} of ${mpirun.program}, as where ` +
        "one was killed; all were ended, and --resume goes on from the last checkpoint",
    );
  }
  return code;
}

async function rootVariables({ maker }: Mpirun): Promise<Record<string, string>> {
  if (maker !== "Open MPI" || (await readProgram(["id", "-u"])).text !== "0\n") return {};
  const settings = Object.entries(ROOT_VARIABLES).map(([name, value]) => `${name}=${value}`);
  say(`Open MPI runs as root, with ${settings.join(" and ")}`);
  return ROOT_VARIABLES;
}

function wordsOf(
  task: LaunchedTask,
  { mpi_library: library }: LaunchRequest,
  argv: readonly string[],
): string[] {
  return taskWords(task, {
    deno: Deno.execPath(),
    script: Deno.mainModule,
    argv,
    library,
    libraryPath: readVariable("LD_LIBRARY_PATH"),
  });
}

function wantPrograms(action: string, wanted: string): void {
  if (mayRunPrograms()) return;
  throw new Error(`Cannot ${action}: wanted ${wanted}, found no such permission`);
}
