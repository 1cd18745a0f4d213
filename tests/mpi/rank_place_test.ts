import assert from "node:assert/strict";
import { type RankPlace, rankPlaceOf, type RankVariables } from "../../lib/mpi/rank_place.ts";

/** What launchers set, as printed by `env` in a rank, but for what nobody reads. */
const OPEN_MPI = {
  OMPI_COMM_WORLD_LOCAL_RANK: "0",
  OMPI_COMM_WORLD_LOCAL_SIZE: "1",
  OMPI_COMM_WORLD_NODE_RANK: "0",
  OMPI_COMM_WORLD_RANK: "2",
  OMPI_COMM_WORLD_SIZE: "3",
  OMPI_UNIVERSE_SIZE: "3",
  PMIX_RANK: "2",
};
const MPICH = {
  HYDI_CONTROL_FD: "7",
  MPI_LOCALNRANKS: "2",
  MPI_LOCALRANKID: "1",
  PMI_FD: "8",
  PMI_RANK: "1",
  PMI_SIZE: "4",
};
const SRUN = {
  PMIX_NAMESPACE: "slurm.pmix.812.0",
  PMIX_RANK: "4",
  SLURM_LOCALID: "1",
  SLURM_NODEID: "1",
  SLURM_NTASKS: "6",
  SLURM_PROCID: "4",
  SLURM_STEP_NUM_TASKS: "6",
  SLURM_STEP_TASKS_PER_NODE: "3,2,1",
};
const { PMIX_RANK: _, ...BATCH_SCRIPT } = SRUN;

const KNOWN: Record<string, [RankVariables, Omit<RankPlace, "launcher">, RankPlace["launcher"]]> = {
  "mpirun of Open MPI": [
    OPEN_MPI,
    { rank: 2, size: 3, localRank: 0, localSize: 1 },
    "mpirun of Open MPI",
  ],
  "mpirun of MPICH": [
    MPICH,
    { rank: 1, size: 4, localRank: 1, localSize: 2 },
    "mpirun of MPICH",
  ],
  "srun --mpi=pmix": [SRUN, { rank: 4, size: 6, localRank: 1, localSize: 2 }, "srun"],
  "srun --mpi=pmi2": [
    { ...BATCH_SCRIPT, PMI_RANK: "4" },
    { rank: 4, size: 6, localRank: 1, localSize: 2 },
    "srun",
  ],
  "srun for a part of a job": [
    { ...SRUN, SLURM_NTASKS: "64" },
    { rank: 4, size: 6, localRank: 1, localSize: 2 },
    "srun",
  ],
  "srun on nodes with as many tasks": [
    { ...SRUN, SLURM_NODEID: "2", SLURM_STEP_TASKS_PER_NODE: "2(x3),1" },
    { rank: 4, size: 6, localRank: 1, localSize: 2 },
    "srun",
  ],
  "mpirun of Open MPI in a job of Slurm": [
    { ...BATCH_SCRIPT, ...OPEN_MPI },
    { rank: 2, size: 3, localRank: 0, localSize: 1 },
    "mpirun of Open MPI",
  ],
  "mpirun of MPICH in a job of Slurm": [
    { ...BATCH_SCRIPT, ...MPICH },
    { rank: 1, size: 4, localRank: 1, localSize: 2 },
    "mpirun of MPICH",
  ],
};

for (const [name, [env, place, launcher]] of Object.entries(KNOWN)) {
  Deno.test(`rankPlaceOf: ${name}`, () => {
    assert.deepEqual(rankPlaceOf(env), { launcher, ...place });
  });
}

const NO_RANKS: Record<string, RankVariables> = {
  "a process of its own": {},
  "the script of a batch job": BATCH_SCRIPT,
  "a number that is none": { ...MPICH, PMI_SIZE: "4x" },
  "a variable too few": { ...SRUN, SLURM_NODEID: undefined },
  "a node that the list does not reach": { ...SRUN, SLURM_NODEID: "3" },
};

for (const [name, env] of Object.entries(NO_RANKS)) {
  Deno.test(`rankPlaceOf: no rank is ${name}`, () => assert.equal(rankPlaceOf(env), null));
}
