import { nearestWords } from "../../lib/train/settings/nearest.ts";
import type { RunSettings } from "../../lib/train/settings/run_settings.ts";
import { UsageError } from "../command_line/flags.ts";
import { type GivenName, isGivenName } from "./table_flags.ts";
import type { Recipe, Table, TableRow } from "./table_files.ts";
import type { Changes, TableRequest } from "./table_options.ts";
import { TABLE_TASKS } from "./table_tasks.ts";

/** A run of a table: how its network is trained, and the seed. */
export interface PlannedRun {
  /** Its folder's name. */
  readonly name: string;
  /** How the network is trained. */
  readonly recipe: Recipe;
  /** All settings. */
  readonly settings: RunSettings;
  /** The run that its teacher comes from, `null` where none is trained. */
  readonly teacher: PlannedRun | null;
}

/** A row and its runs. */
export interface PlannedRow {
  /** The row. */
  readonly row: TableRow;
  /** A run a seed. */
  readonly runs: readonly PlannedRun[];
}

/** What a table takes. */
export interface TablePlan {
  /** What the results are called: the table's name, and what departs from it. */
  readonly name: string;
  /** The table. */
  readonly table: Table;
  /** Whether the runs depart from what the rows say, so that their numbers do not compare with the published ones. */
  readonly isRehearsal: boolean;
  /** All rows. */
  readonly rows: readonly PlannedRow[];
  /** The runs of the rows that are asked for, each once: after its teacher, and the first seed of all rows first. */
  readonly runs: readonly PlannedRun[];
}

/** The seed of the runs that others learn from. */
const TEACHER_SEED = 0;

/**
 * Plans the runs of a table. A run is named after the file that says how it is trained, so rows and tables that share
 * a file share its runs.
 *
 * @param table The table.
 * @param request What is asked for.
 * @throws {UsageError} If there is no such row, or the table cannot be rehearsed on another data set.
 */
export function planTable(table: Table, request: TableRequest): TablePlan {
  const { rows: asked, seeds = null, changes } = request;
  wantRows(table, asked);
  const planned = table.rows.map((row): PlannedRow => {
    const count = Math.min(seeds ?? table.seeds, row.seeds ?? Infinity);
    return { row, runs: Array.from({ length: count }, (_, seed) => planRun(row, seed, request)) };
  });
  const wanted = planned.filter(({ row }) => asked === null || asked.includes(row.name));
  const suffixes = table.rows.map(({ recipe }) => suffixOf(recipe, changes));
  const suffix = suffixes.find((suffix) => suffix !== "") ?? "";
  return {
    name: `${table.name}${suffix}`,
    table,
    isRehearsal: suffix !== "",
    rows: planned,
    runs: inOrder(wanted.map(({ runs }) => runs)),
  };
}

function wantRows({ name, rows }: Table, asked: readonly string[] | null): void {
  const names = rows.map((row) => row.name);
  const stranger = asked?.find((row) => !names.includes(row));
  if (stranger === undefined) return;
  throw new UsageError(
    `Cannot train row ${stranger} of ${name}: expected one of ${names.join(", ")}; the nearest is ${
      nearestWords(stranger, names)[0]
    }`,
  );
}

function planRun({ recipe }: { recipe: Recipe }, seed: number, request: TableRequest): PlannedRun {
  const { places, given, changes } = request;
  const { defaults, read, teacher: key } = TABLE_TASKS[recipe.task];
  const teacher = recipe.teacher === null
    ? null
    : planRun({ recipe: recipe.teacher }, TEACHER_SEED, request);
  const name = nameOf(recipe, { seed, changes });
  const settings = {
    ...filled(recipe.settings, given),
    ...(teacher === null ? {} : { [key]: teacher.name }),
    ...Object.fromEntries(Object.entries(places).filter(([place]) => place in defaults)),
    seed,
    save: name,
  };
  return {
    name,
    recipe,
    settings: read(changed(read(settings, recipe.file), recipe, changes), recipe.file),
    teacher,
  };
}

/** The settings with the user's files where the row names the flag. */
function filled(
  settings: Recipe["settings"],
  given: TableRequest["given"],
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => {
      const flag = flagOf(value);
      return [name, flag === null ? value : given[flag] ?? value];
    }),
  );
}

/** The flag of a file or folder that a setting stands for where it was not given, `null` where it is a value. */
export function flagOf(value: unknown): GivenName | null {
  const word = typeof value === "string" && value.startsWith("--") ? value.slice(2) : "";
  return isGivenName(word) ? word : null;
}

function changed(settings: RunSettings, recipe: Recipe, changes: Changes): RunSettings {
  const { dataset, train_images, epochs } = changes;
  const data = {
    ...(dataset === null ? {} : { dataset }),
    ...(train_images === null ? {} : { train_images }),
  };
  const [stranger] = Object.keys(data).filter((name) => !(name in settings));
  if (stranger !== undefined) {
    throw new UsageError(
      `Cannot change --${stranger} of ${recipe.id}: expected a row of deno task cifar, found one of ` +
        `deno task ${recipe.task}, which trains on a folder of images; a small folder and --epochs rehearse it`,
    );
  }
  if (epochs === null) return { ...settings, ...data };
  const scaled = scaledEpoch({ from: settings.epochs, to: epochs });
  return {
    ...settings,
    ...data,
    epochs,
    epoch_step: settings.epoch_step.reduce<number[]>(
      (drops, drop) => [...drops, Math.max(scaled(drop), (drops.at(-1) ?? 0) + 1)],
      [],
    ),
    beta_from_epoch: scaled(settings.beta_from_epoch),
  };
}

/** Maps an epoch, from 1, at whose start something happens, to the same part of a run of another length. */
function scaledEpoch({ from, to }: { from: number; to: number }): (epoch: number) => number {
  return (epoch) => 1 + Math.round((epoch - 1) * to / from);
}

/** A run's name; whatever may differ between two runs of one recipe is part of it. */
function nameOf(recipe: Recipe, { seed, changes }: { seed: number; changes: Changes }): string {
  return `${recipe.id.replaceAll("/", "_")}${suffixOf(recipe, changes)}_seed${seed}`;
}

/** How a name says what departs from the row; empty where nothing does. */
function suffixOf({ task, settings }: Recipe, { dataset, train_images, epochs }: Changes): string {
  const own: Record<string, unknown> = { ...TABLE_TASKS[task].defaults, ...settings };
  return [
    dataset === null || dataset === own["dataset"] ? "" : `_${dataset}`,
    train_images === null ? "" : `_${train_images}images`,
    epochs === null || epochs === own["epochs"] ? "" : `_${epochs}epochs`,
  ].join("");
}

/** Every run once, each after its teacher, the first seed of all rows before the second of any. */
function inOrder(rows: readonly (readonly PlannedRun[])[]): PlannedRun[] {
  const most = Math.max(0, ...rows.map((runs) => runs.length));
  const ordered = Array.from(
    { length: most },
    (_, seed) => rows.flatMap((runs) => runs[seed] ?? []),
  );
  const runs = new Map<string, PlannedRun>();
  const add = (run: PlannedRun) => {
    if (run.teacher !== null) add(run.teacher);
    runs.set(run.name, runs.get(run.name) ?? run);
  };
  ordered.flat().forEach(add);
  return [...runs.values()];
}

/**
 * Refuses a plan whose runs need a file or a folder that was not given.
 *
 * @throws {UsageError} If there is such a run.
 */
export function wantGiven({ runs }: TablePlan): void {
  for (const { recipe, settings } of runs) {
    const missing = Object.values(settings).map(flagOf).find((flag) => flag !== null);
    if (missing === undefined) continue;
    throw new UsageError(`Cannot train ${recipe.id}: expected --${missing}, found none`);
  }
}
