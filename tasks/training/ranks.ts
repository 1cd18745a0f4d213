import { setTimeout as delay } from "node:timers/promises";
import type { RunSettings } from "../../lib/train/settings/run_settings.ts";
import { openMpi } from "../../lib/mpi/open_mpi.ts";
import { RANK_VARIABLES, rankPlaceOf } from "../../lib/mpi/rank_place.ts";
import { soloWorld } from "../../lib/mpi/solo_world.ts";
import type { World } from "../../lib/mpi/world.ts";
import { say } from "../command_line/screen.ts";

/** What is said of the ranks. */
export type RankSettings = Pick<RunSettings, "mpi_library" | "mpi_timeout">;

/** What rank 0 may be ahead of the others, where all meet the same error. */
const SAME_ERROR_MS = 1000;

/** The variables of the environment that say whether this is a rank, where they may be read. */
function rankVariables(): Record<string, string> {
  return Object.fromEntries(RANK_VARIABLES.flatMap((name) => {
    const { state } = Deno.permissions.querySync({ name: "env", variable: name });
    const value = state === "granted" ? Deno.env.get(name) : undefined;
    return value === undefined ? [] : [[name, value]];
  }));
}

async function join({ mpi_library, mpi_timeout }: RankSettings): Promise<World> {
  if (rankPlaceOf(rankVariables()) === null) return soloWorld();
  return await openMpi({
    library: mpi_library === "" ? undefined : mpi_library,
    timeoutSeconds: mpi_timeout,
  });
}

let current: World | null = null;

/**
 * Does something as one of the ranks that a launcher has started; a process alone is a world of its own. An error on one
 * rank ends all of them, and what all find at once is said by rank 0. Within it, the same ranks do the rest: MPI can be
 * joined once.
 *
 * @param settings How ranks are joined.
 * @param work What is done.
 * @returns What it returns.
 */
export async function asRank(
  settings: RankSettings,
  work: (world: World) => Promise<number>,
): Promise<number> {
  if (current !== null) return await work(current);
  const world = current = await join(settings);
  try {
    const code = await work(world);
    current = null;
    await world[Symbol.asyncDispose]();
    return code;
  } catch (error) {
    current = null;
    if (world.size === 1) throw error;
    if (world.rank > 0) await delay(SAME_ERROR_MS);
    say(`error: rank ${world.rank}: ${error instanceof Error ? error.message : error}`);
    return await world.abort(1);
  }
}

/** Lets rank 0 do something first, such as download what the others then find. */
export async function inTurn<T>(world: World, work: () => Promise<T>): Promise<T> {
  if (world.rank > 0) await world.barrier();
  const result = await work();
  if (world.rank === 0) await world.barrier();
  return result;
}
