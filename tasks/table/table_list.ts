import { Gpu } from "../../lib/gpu/device.ts";
import { stepCost } from "../../lib/train/step_cost.ts";
import { alignTable } from "../command_line/align_table.ts";
import { readTable, type Recipe, TABLES } from "./table_files.ts";
import type { TableRequest } from "./table_options.ts";
import { type PlannedRun, planTable, type TablePlan } from "./table_plan.ts";
import { TABLE_TASKS } from "./table_tasks.ts";
import { print, say } from "../command_line/screen.ts";

/** Runs that differ by their seed alone, and what one of them takes. */
interface Listed {
  readonly runs: readonly PlannedRun[];
  /** Floating-point operations of a training step. */
  readonly step: number;
  /** Those of all training steps of a run. */
  readonly flop: number;
  /** Wall time of a run, in hours. */
  readonly hours: number;
}

const NOTE = "FLOP are those of the training steps. Hours are those steps and a test after every " +
  "epoch; starting, tuning, reading images and saving are not in them.";

/**
 * Lists the runs of a table with the published numbers, FLOP and the hours that this adapter would take. Networks have
 * random weights and see random images: no data, teacher or weights are needed, and no run is made.
 *
 * @param request What is asked for.
 * @param options.folder The folder of tables; this project's unless told.
 * @returns The exit code.
 */
export async function listTable(
  request: TableRequest,
  { folder = TABLES }: { folder?: string } = {},
): Promise<number> {
  // Networks whose files are not looked at are those that the rows stand for.
  const plan = planTable(await readTable(request.table, { folder }), { ...request, given: {} });
  const groups = [...Map.groupBy(plan.runs, ({ recipe }) => recipe.id).values()];
  const listed: Listed[] = [];
  let adapter = "";
  for (const [at, runs] of groups.entries()) {
    say(`timing ${at + 1} of ${groups.length}: ${namesOf(runs)}`);
    using gpu = await Gpu.open();
    adapter = gpu.adapter.name;
    listed.push(await measure(gpu, runs, request));
  }
  print(wordList(plan, { listed, adapter }));
  return 0;
}

async function measure(
  gpu: Gpu,
  runs: readonly PlannedRun[],
  { autotune }: TableRequest,
): Promise<Listed> {
  const [run] = runs;
  if (run === undefined) throw new TypeError("Cannot list runs: found none");
  const { settings, teacher: taught } = run;
  const task = TABLE_TASKS[run.recipe.task];
  const images = gpu.adapter.isSoftware
    ? Math.min(task.fewImages, settings.batch_size)
    : settings.batch_size;
  const teacherSettings = taught === null ? null : taught.settings;
  const sample = await task.sample(gpu, settings, { teacher: teacherSettings, images });
  using model = sample.model;
  using teacher = sample.teacher;
  const { data, options } = sample;
  const cost = await stepCost(model, { ...options, data, teacher, autotune });
  const { train, test } = task.sizes(settings);
  const seconds = train * cost.trainSeconds + test * cost.testSeconds;
  return {
    runs,
    step: settings.batch_size * cost.flop,
    flop: settings.epochs * train * cost.flop,
    hours: settings.epochs * seconds / 3600,
  };
}

function wordList(
  plan: TablePlan,
  { listed, adapter }: { listed: readonly Listed[]; adapter: string },
): string {
  const hours = listed.reduce((sum, { runs, hours }) => sum + runs.length * hours, 0);
  const flop = listed.reduce((sum, { runs, flop }) => sum + runs.length * flop, 0);
  const lines = alignTable([
    ["run", "row", "published", "GFLOP a step", "PFLOP a run", "hours a run", "hours"],
    ...listed.map((one) => [
      namesOf(one.runs),
      ...rowsOf(plan, one.runs[0]?.recipe),
      digits(one.step / 1e9),
      digits(one.flop / 1e15),
      digits(one.hours),
      digits(one.runs.length * one.hours),
    ]),
  ], { right: [3, 4, 5, 6] });
  return [
    plan.table.title,
    "",
    ...lines,
    "",
    `${plan.runs.length} runs: ${digits(flop / 1e15)} PFLOP, ` +
    `${digits(hours)} hours on ${adapter}`,
    NOTE,
  ].join("\n");
}

function digits(value: number): string {
  return value < 100 ? value.toPrecision(3) : value.toFixed(0);
}

/** The labels of the rows that a recipe is for, and their published numbers. */
function rowsOf({ rows }: TablePlan, recipe: Recipe | undefined): [labels: string, paper: string] {
  const own = rows.map(({ row }) => row).filter((row) => row.recipe.id === recipe?.id);
  if (own.length === 0) return ["(a teacher)", ""];
  const numbers = own.map(({ paper }) => Object.values(paper).join("/"));
  return [own.map(({ name, label }) => `${name}: ${label}`).join("; "), numbers.join("; ")];
}

/** The names of runs that differ by their seed, such as `table2_sum_seed0 to 4`. */
function namesOf(runs: readonly PlannedRun[]): string {
  const last = runs.at(-1)?.settings.seed ?? 0;
  return `${runs[0]?.name}${runs.length > 1 ? ` to ${last}` : ""}`;
}
