import { type MpiLibrary, openLibrary } from "./library.ts";
import { MpiError } from "./mpi_error.ts";
import { MpiWorld } from "./mpi_world.ts";
import {
  type OwnPlace,
  RANK_VARIABLES,
  type RankPlace,
  rankPlaceOf,
  type RankVariables,
} from "./rank_place.ts";
import { settle } from "./settle.ts";
import type { World } from "./world.ts";

/** Settings of {@link openMpi}. */
export interface MpiOptions {
  /** The full path of MPI's library. Default: the first of {@link mpiLibraryPaths} that is there and allowed. */
  readonly library?: string | undefined;
  /** How many seconds an exchange may take, the start of all ranks among them. Default: 60. */
  readonly timeoutSeconds?: number;
}

const THREAD_MULTIPLE = 3;

/** A variable of the environment, `undefined` as well where it may not be read. */
function readVariable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

function readRankVariables(): RankVariables {
  return Object.fromEntries(RANK_VARIABLES.flatMap((name) => {
    const value = readVariable(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** Checks whose library it is before it is initialised: another launcher's ends the process or never returns. */
function wantMaker({ maker, path }: MpiLibrary, place: RankPlace | null): void {
  if (place === null || place.launcher === "srun" || place.launcher.endsWith(` ${maker}`)) return;
  throw new MpiError(
    `Cannot join the ranks: ${place.launcher} started them and needs its own library, found ${maker} in ${path}`,
  );
}

async function initialise(library: MpiLibrary, timeoutSeconds: number, waiter: string) {
  const provided = new Int32Array(1);
  await settle(library, library.calls.MPI_Init_thread(null, null, THREAD_MULTIPLE, provided), {
    action: "join the ranks",
    waiter,
    timeoutSeconds,
  });
  const [threads] = provided;
  if (threads !== THREAD_MULTIPLE) {
    throw new MpiError(
      `Cannot join the ranks: ${library.path} must provide MPI_THREAD_MULTIPLE (3), found level ${threads}`,
    );
  }
}

/** Asks MPI for this process's place, and checks that the launcher said the same. */
function findPlace({ calls, handles, path }: MpiLibrary, place: RankPlace | null): OwnPlace {
  const rank = new Int32Array(1);
  const size = new Int32Array(1);
  calls.MPI_Comm_set_errhandler(handles.world, handles.errorsReturn);
  calls.MPI_Comm_rank(handles.world, rank);
  calls.MPI_Comm_size(handles.world, size);
  const wanted = place ?? { rank: 0, size: 1, localRank: 0 };
  if (wanted.rank === rank[0] && wanted.size === size[0]) return wanted;
  throw new MpiError(
    `Cannot join the ranks: the launcher's variables say rank ${wanted.rank} of ${wanted.size}, ` +
      `found rank ${rank[0]} of ${size[0]} in ${path}; --allow-env must name RANK_VARIABLES`,
  );
}

/**
 * Joins the ranks that `mpirun` of Open MPI 4 or 5 or of MPICH 4, or `srun`, has started. Reads
 * {@link RANK_VARIABLES} and `LD_LIBRARY_PATH` where that is allowed, and needs `--allow-ffi` with the full path of the
 * library, of {@link mpiLibraryPaths}. At the end of the `await using` scope it waits for all ranks.
 *
 * @param options The library, and how long to wait for other ranks.
 * @returns The world, of size 1 if no launcher started this process.
 * @throws {MpiError} If no library opens, it is another launcher's, or not all ranks come in time.
 * @throws {RangeError} If the timeout is not above 0.
 * @example
 * ```ts ignore
 * import { openMpi } from "@pupil/pupil";
 *
 * // mpirun -n 2 deno run --allow-env --allow-ffi=/usr/lib/x86_64-linux-gnu/libmpi.so.40 sum.ts
 * await using world = await openMpi({ timeoutSeconds: 10 });
 * const ranks = Float32Array.of(world.rank);
 * await world.sum(ranks);
 * console.log(`${world.rank} of ${world.size}: ${ranks[0]}`);
 * ```
 */
export async function openMpi(
  { library: path, timeoutSeconds = 60 }: MpiOptions = {},
): Promise<World> {
  if (!(timeoutSeconds > 0)) {
    throw new RangeError(`Cannot open MPI: the timeout must be above 0 s, found ${timeoutSeconds}`);
  }
  const place = rankPlaceOf(readRankVariables());
  const library = openLibrary({
    library: path,
    launcher: place?.launcher,
    libraryPath: readVariable("LD_LIBRARY_PATH"),
  });
  wantMaker(library, place);
  await initialise(library, timeoutSeconds, `rank ${place?.rank ?? 0}`);
  return new MpiWorld(library, findPlace(library, place), timeoutSeconds);
}
