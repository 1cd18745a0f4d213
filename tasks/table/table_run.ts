import { join } from "node:path";
import type { World } from "../../lib/mpi/world.ts";
import { saveLocation } from "../../lib/train/find_run.ts";
import { lockFile } from "../../lib/train/lock_file.ts";
import { shareValue } from "../../lib/train/ranks.ts";
import { LATER_RUN_SETTINGS } from "../../lib/train/settings/run_settings.ts";
import { writeFileAtomic } from "../../lib/weights/write_file.ts";
import { readTable, TABLES } from "./table_files.ts";
import type { TableRequest } from "./table_options.ts";
import { type PlannedRun, planTable, type TablePlan, wantGiven } from "./table_plan.ts";
import { gatherResults, type TableResult } from "./table_results.ts";
import { clearUnsaved, type RunState, stateOf } from "./table_state.ts";
import { TABLE_TASKS } from "./table_tasks.ts";
import { formatResult } from "./table_text.ts";
import { asRank } from "../training/ranks.ts";
import { print, say } from "../command_line/screen.ts";

const WORDS: Readonly<Record<RunState, string>> = {
  new: "starts",
  unsaved: "was ended before anything was saved and starts anew",
  begun: "was broken off and goes on",
  finished: "finished, kept",
};

/**
 * Trains the runs of a table that are not finished, and prints and saves what all came to.
 *
 * @param request What is asked for.
 * @param options.folder The folder of tables. Default: this project's.
 * @returns The exit code.
 * @throws {UsageError} If there is no such row, or a file is not named that a row needs.
 * @throws {RangeError} If another process trains a table under the same `--logs`, or a run is there with other
 * settings.
 */
export async function trainTable(
  request: TableRequest,
  { folder = TABLES }: { folder?: string } = {},
): Promise<number> {
  const plan = planTable(await readTable(request.table, { folder }), request);
  wantGiven(plan);
  return await asRank(LATER_RUN_SETTINGS, (world) => trainRuns(plan, { request, world }));
}

async function trainRuns(
  plan: TablePlan,
  { request, world }: { request: TableRequest; world: World },
): Promise<number> {
  const isFirst = world.rank === 0;
  using _held = isFirst ? await holdRuns(request.places.logs) : null;
  const all = [...plan.runs, ...plan.rows.flatMap(({ runs }) => runs)];
  const states = await shareValue(isFirst ? await statesOf(all) : [], world);
  for (const [at, run] of plan.runs.entries()) {
    const state = states[at] ?? "new";
    if (isFirst) say(`run ${at + 1} of ${plan.runs.length}: ${run.name}, ${WORDS[state]}`);
    if (state === "finished") continue;
    if (state === "unsaved" && isFirst) await clearUnsaved(run);
    const code = await shareValue(await train(run, { state, request }), world);
    if (isFirst) await save(plan, request);
    if (code !== 0) return code;
  }
  if (isFirst) print(formatResult(await save(plan, request)).trimEnd());
  return 0;
}

async function statesOf(runs: readonly PlannedRun[]): Promise<RunState[]> {
  const states: RunState[] = [];
  for (const run of runs) states.push(await stateOf(run));
  return states;
}

/** Keeps the runs to this process: tables share them. */
async function holdRuns(logs: string): Promise<Disposable> {
  const path = join(logs, "tables.lock");
  const held = await lockFile(path);
  if (held !== null) return held;
  throw new RangeError(
    `Cannot train a table in ${logs}: expected no other deno task table at work there, found one, which holds ${path}; ` +
      "wait for its end, or name another folder with --logs",
  );
}

async function train(
  run: PlannedRun,
  { state, request }: { state: RunState; request: TableRequest },
): Promise<number> {
  const { start, resume } = TABLE_TASKS[run.recipe.task];
  const { autotune, launch, command: goesOn } = request;
  const options = { autotune, launch, goesOn };
  if (state === "begun") return await resume(run.settings, options);
  return await start(run.settings, options);
}

/** Saves what the runs came to so far. */
async function save(plan: TablePlan, { places: { logs } }: TableRequest): Promise<TableResult> {
  const result = await gatherResults(plan);
  const place = saveLocation(plan.name, logs);
  await writeFileAtomic(`${place}.md`, formatResult(result));
  await writeFileAtomic(`${place}.json`, `${JSON.stringify(result, undefined, 2)}\n`);
  return result;
}
