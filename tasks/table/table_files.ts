import { join } from "node:path";
import { Fields } from "../../lib/train/settings/fields.ts";
import { nearestWords } from "../../lib/train/settings/nearest.ts";
import { isGivenName } from "./table_flags.ts";
import { TABLE_TASKS, TASK_NAMES, type TaskName } from "./table_tasks.ts";

/** What a table compares, in percent, by the names that a row's file gives them. */
export const MEASURES = ["error", "top5_error", "accuracy"] as const;

/** What a table compares. */
export type Measure = typeof MEASURES[number];

/** How a network is trained, apart from the seed. */
export interface Recipe {
  /** The table and the row whose file it stands in, such as `table1/wrn_16_1`. */
  readonly id: string;
  /** That file. */
  readonly file: string;
  /** The task that trains it. */
  readonly task: TaskName;
  /** What its teacher is trained by, `null` where it has none that is trained here. */
  readonly teacher: Recipe | null;
  /** The settings that differ from the task's own. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A row of a table. */
export interface TableRow {
  /** Its name, that of its file. */
  readonly name: string;
  /** What it is called in the table. */
  readonly label: string;
  /** The published numbers. */
  readonly paper: Readonly<Partial<Record<Measure, number>>>;
  /** How its network is trained. */
  readonly recipe: Recipe;
  /** The most seeds that it is trained with, `null` for as many as the others. */
  readonly seeds: number | null;
  /** What was chosen where nothing is published. */
  readonly notes: readonly string[];
}

/** A table of published numbers, and how to come to ours. */
export interface Table {
  /** Its name, that of its folder. */
  readonly name: string;
  /** What it is called. */
  readonly title: string;
  /** Where the numbers were published. */
  readonly source: string;
  /** The number of seeds behind them. */
  readonly seeds: number;
  /** The rows, in its order. */
  readonly rows: readonly TableRow[];
  /** What holds for all rows: what was chosen where nothing is published, and what is followed. */
  readonly notes: readonly string[];
}

/** The folder of the tables that this project has. */
export const TABLES = join(import.meta.dirname ?? ".", "..", "tables");

const TABLE_KEYS = ["title", "source", "seeds", "rows", "notes"];
const SAME_KEYS = ["label", "paper", "same", "seeds", "notes"];
const OWN_KEYS = ["label", "paper", "task", "teacher", "settings", "seeds", "notes"];
/** What the table sets itself, beside the teacher. */
const RESERVED = ["seed", "save", "resume", "logs", "dataroot", "max_steps"];

/**
 * Reads a table and its rows: `table.json` in the table's folder, and a file a row beside it.
 *
 * @param name The table's name.
 * @param options.folder The folder of tables. Default: this project's.
 * @throws {Error} If a file is missing or not JSON, or has an unknown field or a wrong value; the message names file
 * and field.
 */
export async function readTable(
  name: string,
  { folder = TABLES }: { folder?: string } = {},
): Promise<Table> {
  const of = await fieldsOf(join(folder, name, "table.json"));
  of.allowOnly(TABLE_KEYS);
  const rows = [];
  for (const row of of.texts("rows")) rows.push(await readRow(row, { table: name, folder }));
  return {
    name,
    title: of.text("title"),
    source: of.text("source"),
    seeds: of.count("seeds"),
    rows,
    notes: of.texts("notes"),
  };
}

async function readRow(
  name: string,
  { table, folder }: { table: string; folder: string },
): Promise<TableRow> {
  const file = join(folder, table, `${name}.json`);
  const of = await fieldsOf(file);
  const same = of.has("same") ? of.text("same") : null;
  if (same !== null) of.allowOnly(SAME_KEYS);
  return {
    name,
    label: of.text("label"),
    paper: paperOf(of.record("paper"), `${file}, paper`),
    recipe: await readRecipe(same ?? `${table}/${name}`, { folder, under: [] }),
    seeds: of.has("seeds") ? of.count("seeds") : null,
    notes: of.texts("notes"),
  };
}

function paperOf(value: unknown, source: string): TableRow["paper"] {
  const of = new Fields(value, source);
  of.allowOnly(MEASURES);
  const given = MEASURES.filter((measure) => of.has(measure));
  if (given.length === 0) {
    throw new TypeError(`Cannot read ${source}: expected ${MEASURES.join(" or ")}, found none`);
  }
  return Object.fromEntries(given.map((measure) => [measure, of.number(measure)]));
}

/** Reads a row's file for how its network is trained; `under` are those that it is the teacher of. */
async function readRecipe(
  id: string,
  { folder, under }: { folder: string; under: readonly string[] },
): Promise<Recipe> {
  const file = join(folder, `${id}.json`);
  if (under.includes(id)) {
    throw new RangeError(
      `Cannot read ${file}: expected a teacher, found a network that learns from it`,
    );
  }
  const of = await fieldsOf(file);
  of.allowOnly(OWN_KEYS);
  const task = of.oneOf("task", TASK_NAMES);
  const teacher = of.has("teacher")
    ? await readRecipe(of.text("teacher"), { folder, under: [...under, id] })
    : null;
  const recipe = { id, file, task, teacher, settings: of.record("settings") };
  checkSettings(recipe);
  return recipe;
}

function checkSettings({ file, task, teacher, settings }: Recipe): void {
  const { defaults, teacher: key, read } = TABLE_TASKS[task];
  const known = Object.keys(defaults).filter((name) => !RESERVED.includes(name));
  for (const [name, value] of Object.entries(settings)) {
    if (RESERVED.includes(name) || (name === key && teacher !== null)) {
      throw new TypeError(
        `Cannot read ${file}: expected ${name} to be left to the table, found it`,
      );
    }
    if (!known.includes(name)) {
      throw new TypeError(
        `Cannot read ${file}: expected settings of deno task ${task}, found ${name}; the nearest is ${
          nearestWords(name, known)[0]
        }`,
      );
    }
    if (typeof value === "string" && value.startsWith("--") && !isGivenName(value.slice(2))) {
      throw new RangeError(
        `Cannot read ${file}: expected a flag of deno task table as ${name}, found ${value}`,
      );
    }
  }
  try {
    read({ ...settings, ...(teacher === null ? {} : { [key]: teacher.id }) }, file);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`Cannot use ${file}: ${error.message}`, { cause: error });
  }
}

async function fieldsOf(file: string): Promise<Fields> {
  return new Fields(parse(await textOf(file), file), file, { later: { notes: [] } });
}

async function textOf(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new RangeError(`Cannot read ${file}: expected a file, found none`, { cause: error });
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyntaxError(`Cannot read ${file}: expected JSON, found ${reason}`, { cause });
  }
}
