import { summarise } from "../../lib/gpu/summary.ts";
import { saveLocation } from "../../lib/train/find_run.ts";
import { type LogEntry, parseLog } from "../../lib/train/parse_log.ts";
import { RUN_FILES, RunFolder } from "../../lib/train/run_folder.ts";
import { type Measure, MEASURES } from "./table_files.ts";
import type { PlannedRow, PlannedRun, TablePlan } from "./table_plan.ts";
import { stateOf } from "./table_state.ts";

/** What one run came to. */
export interface RunResult {
  /** The run's name. */
  readonly run: string;
  /** Its seed. */
  readonly seed: number;
  /** In percent, after the last epoch. */
  readonly last: number;
  /** In percent, after the epoch that was best on the test set. */
  readonly best: number;
  /** Seconds of training and testing. */
  readonly seconds: number;
}

/** What a row came to, beside what was published. */
export interface RowResult {
  /** The row's name. */
  readonly row: string;
  /** What it is called. */
  readonly label: string;
  /** What is compared. */
  readonly measure: Measure;
  /** The published number, in percent. */
  readonly paper: number;
  /** The median of the seeds after the last epoch, in percent; `null` of none. */
  readonly median: number | null;
  /** The lowest. */
  readonly lowest: number | null;
  /** The highest. */
  readonly highest: number | null;
  /** The number of seeds. */
  readonly n: number;
  /** The median less the published number. */
  readonly difference: number | null;
  /** The median of the seeds after each one's best epoch. */
  readonly best: number | null;
  /** The runs. */
  readonly runs: readonly RunResult[];
}

/** What a table came to. */
export interface TableResult {
  /** The table's name, and what departs from it. */
  readonly table: string;
  /** What it is called. */
  readonly title: string;
  /** Where the numbers beside ours were published. */
  readonly source: string;
  /** Whether the runs depart from what the rows say. */
  readonly isRehearsal: boolean;
  /** When this was written. */
  readonly date: string;
  /** The adapters that the runs were made on. */
  readonly adapters: readonly string[];
  /** The versions that they were made with. */
  readonly versions: readonly string[];
  /** How long the runs were. */
  readonly epochs: readonly number[];
  /** What they trained on. */
  readonly datasets: readonly string[];
  /** The rows. */
  readonly rows: readonly RowResult[];
  /** What was chosen where nothing is published. */
  readonly notes: readonly string[];
}

/** A finished run as its folder has it. */
interface Finished {
  readonly planned: PlannedRun;
  readonly log: readonly LogEntry[];
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * Gathers what the finished runs of a table came to.
 *
 * @param plan The plan.
 * @param options.date When.
 */
export async function gatherResults(
  { name, table, isRehearsal, rows }: TablePlan,
  { date = new Date() }: { date?: Date } = {},
): Promise<TableResult> {
  const gathered = [];
  for (const planned of rows) gathered.push({ planned, runs: await finishedOf(planned) });
  const all = gathered.flatMap(({ runs }) => runs);
  const textsOf = (key: string) => distinct(all.map(({ config }) => String(config[key])));
  return {
    table: name,
    title: table.title,
    source: table.source,
    isRehearsal,
    date: date.toISOString().slice(0, 10),
    adapters: textsOf("adapter"),
    versions: textsOf("version"),
    epochs: distinct(rows.flatMap(({ runs }) => runs.map(({ settings }) => settings.epochs))),
    datasets: distinct(rows.flatMap(({ runs }) => runs.map(dataOf))),
    rows: gathered.flatMap(({ planned, runs }) => rowResults(planned, runs)),
    notes: [
      ...table.notes,
      ...table.rows.flatMap(({ label, notes }) => notes.map((note) => `${label}: ${note}`)),
    ],
  };
}

async function finishedOf({ runs }: PlannedRow): Promise<Finished[]> {
  const finished: Finished[] = [];
  for (const planned of runs) {
    if (await stateOf(planned) !== "finished") continue;
    const folder = await RunFolder.open(saveLocation(planned.name, planned.settings.logs));
    const log = parseLog(await Deno.readTextFile(folder.file(RUN_FILES.log)));
    finished.push({ planned, log, config: await folder.readConfig() });
  }
  return finished;
}

/** What a run trains on, in words. */
function dataOf({ settings }: PlannedRun): string {
  const of = new Map<string, unknown>(Object.entries(settings));
  const data = String(of.get("dataset") ?? of.get("imagenetpath"));
  const images = of.get("train_images") ?? null;
  return images === null ? data : `${images} training images of ${data}`;
}

function rowResults({ row }: PlannedRow, finished: readonly Finished[]): RowResult[] {
  return MEASURES.flatMap((measure) => {
    const paper = row.paper[measure];
    if (paper === undefined) return [];
    const runs = finished.map((run) => resultOf(run, measure));
    const last = runs.map((run) => run.last);
    const median = medianOf(last);
    return [{
      row: row.name,
      label: row.label,
      measure,
      paper,
      median,
      lowest: last.length === 0 ? null : Math.min(...last),
      highest: last.length === 0 ? null : Math.max(...last),
      n: runs.length,
      difference: median === null ? null : median - paper,
      best: medianOf(runs.map(({ best }) => best)),
      runs,
    }];
  });
}

function medianOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : summarise(values).median;
}

function resultOf({ planned, log }: Finished, measure: Measure): RunResult {
  const values = log.map((entry) => measured(entry, measure));
  const seconds = (key: string) => log.reduce((sum, entry) => sum + numberOf(entry[key]), 0);
  return {
    run: planned.name,
    seed: planned.settings.seed,
    last: values.at(-1) ?? NaN,
    best: measure === "accuracy" ? Math.max(...values) : Math.min(...values),
    seconds: seconds("train_time") + seconds("test_time"),
  };
}

/** Reads a measure from an epoch's line, whose accuracies are numbers, or lists of top-1 and top-5. */
function measured({ test_acc }: LogEntry, measure: Measure): number {
  const [topOne, topFive] = (Array.isArray(test_acc) ? test_acc : [test_acc]).map(numberOf);
  const accuracy = (measure === "top5_error" ? topFive : topOne) ?? NaN;
  return measure === "accuracy" ? accuracy : 100 - accuracy;
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : NaN;
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
