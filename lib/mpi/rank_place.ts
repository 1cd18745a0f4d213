/** The place of a process among those that a launcher started. */
export interface RankPlace {
  /** Which launcher it was; srun starts ranks of either MPI. */
  readonly launcher: "mpirun of Open MPI" | "mpirun of MPICH" | "srun";
  /** The process's number among all, from 0. */
  readonly rank: number;
  /** How many processes there are. */
  readonly size: number;
  /** The process's number among those of its machine, from 0: which of the machine's GPUs is its own. */
  readonly localRank: number;
  /** How many processes its machine has. */
  readonly localSize: number;
}

/** What a rank needs to know of its place. */
export type OwnPlace = Pick<RankPlace, "rank" | "size" | "localRank">;

/** The environment variables that {@link rankPlaceOf} reads, and `--allow-env` should name. */
export const RANK_VARIABLES = [
  "OMPI_COMM_WORLD_RANK",
  "OMPI_COMM_WORLD_SIZE",
  "OMPI_COMM_WORLD_LOCAL_RANK",
  "OMPI_COMM_WORLD_LOCAL_SIZE",
  "PMI_RANK",
  "PMI_SIZE",
  "MPI_LOCALRANKID",
  "MPI_LOCALNRANKS",
  "PMIX_RANK",
  "SLURM_PROCID",
  "SLURM_NTASKS",
  "SLURM_LOCALID",
  "SLURM_NODEID",
  "SLURM_STEP_NUM_TASKS",
  "SLURM_STEP_TASKS_PER_NODE",
] as const;

/** Environment variables by name; those that are not set are missing or undefined. */
export type RankVariables = Readonly<
  Partial<Record<typeof RANK_VARIABLES[number], string | undefined>>
>;

function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The tasks of one node, of Slurm's list such as `2(x3),1`: three nodes with two tasks and one with one. */
function tasksOfNode(list: string | undefined, node: number | undefined): number | undefined {
  const counts = (list ?? "").split(",").flatMap((part) => {
    const [, tasks, nodes = "1"] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? [];
    return tasks === undefined ? [] : Array<number>(Number(nodes)).fill(Number(tasks));
  });
  return node === undefined ? undefined : counts[node];
}

function placeOf(
  launcher: RankPlace["launcher"],
  [rank, size, localRank, localSize]: readonly (number | undefined)[],
): RankPlace | null {
  if (rank === undefined || size === undefined) return null;
  if (localRank === undefined || localSize === undefined) return null;
  return { launcher, rank, size, localRank, localSize };
}

/**
 * Reads the place of this process from the variables that the launcher of a parallel run sets: `mpirun` of Open MPI or
 * MPICH, and `srun --mpi=pmix` or `--mpi=pmi2` of Slurm. The script of a batch job has Slurm's variables as well, but is
 * no rank.
 *
 * @param env The environment's variables, at least {@link RANK_VARIABLES}.
 * @returns The place, `null` where the process is no rank or a variable is missing or no whole number.
 * @example
 * ```ts
 * import { rankPlaceOf } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * const env = { PMI_RANK: "3", PMI_SIZE: "4", MPI_LOCALRANKID: "1", MPI_LOCALNRANKS: "2" };
 * assert.deepEqual(rankPlaceOf(env), {
 *   launcher: "mpirun of MPICH",
 *   rank: 3,
 *   size: 4,
 *   localRank: 1,
 *   localSize: 2,
 * });
 * assert.equal(rankPlaceOf({}), null);
 * ```
 */
export function rankPlaceOf(env: RankVariables): RankPlace | null {
  if (env.OMPI_COMM_WORLD_RANK !== undefined) {
    return placeOf("mpirun of Open MPI", [
      whole(env.OMPI_COMM_WORLD_RANK),
      whole(env.OMPI_COMM_WORLD_SIZE),
      whole(env.OMPI_COMM_WORLD_LOCAL_RANK),
      whole(env.OMPI_COMM_WORLD_LOCAL_SIZE),
    ]);
  }
  if (env.MPI_LOCALRANKID !== undefined) {
    return placeOf("mpirun of MPICH", [
      whole(env.PMI_RANK),
      whole(env.PMI_SIZE),
      whole(env.MPI_LOCALRANKID),
      whole(env.MPI_LOCALNRANKS),
    ]);
  }
  if (env.PMIX_RANK === undefined && env.PMI_RANK === undefined) return null;
  return placeOf("srun", [
    whole(env.SLURM_PROCID),
    whole(env.SLURM_STEP_NUM_TASKS ?? env.SLURM_NTASKS),
    whole(env.SLURM_LOCALID),
    tasksOfNode(env.SLURM_STEP_TASKS_PER_NODE, whole(env.SLURM_NODEID)),
  ]);
}
