import type { Gpu } from "../../lib/gpu/device.ts";
import type { Dispatch } from "../../lib/gpu/kernel.ts";
import { type LoadTimes, timeLoads } from "../../lib/gpu/load_times.ts";
import type { Model } from "../../lib/models/model.ts";
import type { Autotune } from "../../lib/train/autotune.ts";
import { type StepWork, stepWork } from "../../lib/train/step_work.ts";
import { alignTable } from "../command_line/align_table.ts";
import { readTable, type Recipe, TABLES } from "./table_files.ts";
import type { TableRequest } from "./table_options.ts";
import { type PlannedRun, planTable, type TablePlan } from "./table_plan.ts";
import type { MakeOnce } from "./table_task.ts";
import { TABLE_TASKS } from "./table_tasks.ts";
import { print, say } from "../command_line/screen.ts";
import { openGpu } from "../launch/open_gpu.ts";

/** Runs that differ by their seed alone, and what one of them makes the GPU do. */
interface Counted extends StepWork {
  readonly runs: readonly PlannedRun[];
  /** The training steps of a run of as many images as were counted. */
  readonly steps: number;
  /** The batches of as many images that a run tests on. */
  readonly tests: number;
  /** Floating-point operations of a training step as the run makes it. */
  readonly step: number;
  /** Those of all training steps of a run. */
  readonly flop: number;
}

/** Kernels are timed for so long. */
const TIMING_SECONDS = 10;

const NOTE = "FLOP are those of the training steps.";

/**
 * Lists the runs of a table with the published numbers, FLOP and the hours that this adapter would take. Networks have
 * random weights and see random images: no data, teacher or weights are needed, and no run is made.
 *
 * @param request What is asked for.
 * @param options.folder The folder of tables. Default: this project's.
 * @param options.isTimed Whether hours are listed. Default: true.
 * @returns The exit code.
 */
export async function listTable(
  request: TableRequest,
  { folder = TABLES, isTimed = true }: { folder?: string; isTimed?: boolean } = {},
): Promise<number> {
  // Networks whose files are not looked at are those that the rows stand for.
  const plan = planTable(await readTable(request.table, { folder }), { ...request, given: {} });
  const groups = [...Map.groupBy(plan.runs, ({ recipe }) => recipe.id).values()];
  const autotune = isTimed ? request.autotune : "off";
  using gpu = await openGpu(autotune);
  const counted: Counted[] = [];
  const networks = new Map<string, Model>();
  const once: MakeOnce = (key, make) => {
    const network = networks.get(key) ?? make();
    networks.set(key, network);
    return network;
  };
  for (const [at, runs] of groups.entries()) {
    say(`counting ${at + 1} of ${groups.length}: ${namesOf(runs)}`);
    counted.push(await count(gpu, runs, { once, autotune }));
  }
  if (!isTimed) {
    print([...wordList(plan, counted, null), NOTE].join("\n"));
    return 0;
  }
  say(`timing kernels for at most ${TIMING_SECONDS} s`);
  const times = await timeLoads(gpu, counted.flatMap(loadsOf), { seconds: TIMING_SECONDS });
  const lines = wordList(plan, counted, { times, adapter: gpu.adapter.name });
  print([...lines, `${NOTE} ${wordTiming(counted, times)}`].join("\n"));
  return 0;
}

async function count(
  gpu: Gpu,
  runs: readonly PlannedRun[],
  { once, autotune }: { once: MakeOnce; autotune: Autotune | undefined },
): Promise<Counted> {
  const [run] = runs;
  if (run === undefined) throw new TypeError("Cannot list runs: found none");
  const { settings, teacher: taught } = run;
  const task = TABLE_TASKS[run.recipe.task];
  const few = gpu.adapter.isSoftware
    ? Math.min(task.fewImages, settings.batch_size)
    : settings.batch_size;
  const teacherSettings = taught === null ? null : taught.settings;
  const asked = { teacher: teacherSettings, images: few, once };
  const { model, teacher, data, options } = await task.sample(gpu, settings, asked);
  const work = await stepWork(model, { ...options, data, teacher, autotune });
  const { train, test } = task.sizes(settings);
  const steps = settings.epochs * train / work.images;
  return {
    ...work,
    runs,
    steps,
    tests: settings.epochs * test / work.images,
    step: flopOf(work.train) * settings.batch_size / work.images,
    flop: steps * flopOf(work.train),
  };
}

function flopOf(dispatches: readonly Dispatch[]): number {
  return dispatches.reduce((sum, { flop }) => sum + flop, 0);
}

function loadsOf({ runs, train, steps, test, tests }: Counted) {
  return [
    { dispatches: train, times: runs.length * steps },
    { dispatches: test, times: runs.length * tests },
  ];
}

/** The hours of a run, from the times of its training step and its test of a batch. */
function hoursOf({ steps, tests }: Counted, [train = NaN, test = NaN]: readonly number[]): number {
  return (steps * train + tests * test) / 3600;
}

function wordList(
  plan: TablePlan,
  counted: readonly Counted[],
  timing: { times: LoadTimes; adapter: string } | null,
): string[] {
  const flop = counted.reduce((sum, { runs, flop }) => sum + runs.length * flop, 0);
  const hours = timing === null
    ? null
    : counted.map((one, at) => hoursOf(one, timing.times.seconds.slice(2 * at, 2 * at + 2)));
  const lines = alignTable([
    [
      ...["run", "row", "published", "GFLOP a step", "PFLOP a run"],
      ...(hours === null ? [] : ["hours a run", "hours"]),
    ],
    ...counted.map((one, at) => [
      namesOf(one.runs),
      ...rowsOf(plan, one.runs[0]?.recipe),
      digits(one.step / 1e9),
      digits(one.flop / 1e15),
      ...(hours === null ? [] : [hours[at] ?? NaN].flatMap((hours) => [
        digits(hours),
        digits(one.runs.length * hours),
      ])),
    ]),
  ], { right: hours === null ? [3, 4] : [3, 4, 5, 6] });
  const all = hours?.reduce((sum, hours, at) => sum + (counted[at]?.runs.length ?? 0) * hours, 0);
  return [
    plan.table.title,
    "",
    ...lines,
    "",
    `${plan.runs.length} runs: ${digits(flop / 1e15)} PFLOP` +
    (all === undefined ? "" : `, ${digits(all)} hours on ${timing?.adapter}`),
  ];
}

/** Says what the hours stand on, and what was scaled. */
function wordTiming(
  counted: readonly Counted[],
  { shapes, timed, share }: LoadTimes,
): string {
  const images = [...new Set(counted.map(({ images }) => images))].join(" or ");
  const rest = timed === shapes
    ? ""
    : ` (${timed} of ${shapes}, ${
      (100 * share).toFixed(0)
    } % of the work; the others are scaled from them)`;
  return `Hours are those of the steps and of a test after every epoch, added up from their kernels, each shape timed ` +
    `once at ${images} images a step${rest} and scaled to those of a run; starting, tuning, reading images and saving are not in them.`;
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
