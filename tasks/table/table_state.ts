import { readCheckpoint } from "../../lib/train/checkpoint.ts";
import { kindOf, saveLocation } from "../../lib/train/find_run.ts";
import { parseLog } from "../../lib/train/parse_log.ts";
import { RUN_FILES, RunFolder } from "../../lib/train/run_folder.ts";
import type { RunSettings } from "../../lib/train/settings/run_settings.ts";
import { readRun } from "../command_line/paths.ts";
import { flagOf, type PlannedRun } from "./table_plan.ts";
import { TABLE_TASKS } from "./table_tasks.ts";

/**
 * How far a run is: nothing of it is there; it was ended before anything was saved, so that there is nothing to go on
 * from; it can go on; or it is complete.
 */
export type RunState = "new" | "unsaved" | "begun" | "finished";

/** Settings that say where things are or how they are shown, and change no result. */
const PLACES = [
  "dataroot",
  "nthread",
  "cuda",
  "resume",
  "save",
  "log_every",
  "logs",
  "ngpu",
  "gpu_id",
  "mpi_timeout",
  "mpi_library",
];

/**
 * Looks how far a run is.
 *
 * @param run The run.
 * @throws {RangeError} If there is a run of that name with other settings; the message names the first that differs.
 */
export async function stateOf(run: PlannedRun): Promise<RunState> {
  const { name, settings } = run;
  const path = saveLocation(name, settings.logs);
  if (await kindOf(path) === undefined) return "new";
  const folder = await RunFolder.open(path);
  if (await folder.has("config.json")) await wantSame(folder, run);
  if (!await folder.has(RUN_FILES.checkpoint)) return "unsaved";
  const { progress } = await readCheckpoint(folder.file(RUN_FILES.checkpoint));
  return progress.epochs >= settings.epochs && await hasLogged(folder, settings)
    ? "finished"
    : "begun";
}

/** The log's line comes before the weights that belong to it, so that each without the other is not the end. */
async function hasLogged(folder: RunFolder, { epochs }: RunSettings): Promise<boolean> {
  if (!await folder.has(RUN_FILES.log)) return false;
  return parseLog(await Deno.readTextFile(folder.file(RUN_FILES.log))).at(-1)?.["epoch"] === epochs;
}

async function wantSame(folder: RunFolder, { settings, recipe }: PlannedRun): Promise<void> {
  const { logs } = settings;
  const file = folder.file("config.json");
  const found = new Map<string, unknown>(
    Object.entries(TABLE_TASKS[recipe.task].read(await folder.readConfig(), file)),
  );
  for (const [name, wanted] of Object.entries(settings)) {
    if (PLACES.includes(name) || flagOf(wanted) !== null) continue;
    const isPath = flagOf(recipe.settings[name]) !== null;
    const [a, b] = [wanted, found.get(name)].map((value) =>
      JSON.stringify(isPath && typeof value === "string" ? readRun(value, name, { logs }) : value)
    );
    if (a === b) continue;
    throw new RangeError(
      `Cannot use run ${folder.path}: expected ${name} to be ${a} as in ${recipe.file}, found ${b}; ` +
        "move the run away, or name another folder with --logs",
    );
  }
}

/**
 * Removes what a run left that was ended before anything was saved, so that it can be started anew. Files that are no
 * run's stay.
 *
 * @throws {RangeError} If a process trains there.
 */
export async function clearUnsaved({ name, settings }: PlannedRun): Promise<void> {
  await (await RunFolder.open(saveLocation(name, settings.logs))).clear();
}
