import type { Autotune } from "../../lib/train/autotune.ts";
import { nearestWords } from "../../lib/train/settings/nearest.ts";
import { checkRules, orNull, type Rules, whole } from "../../lib/train/settings/rules.ts";
import type { DatasetName } from "../../lib/train/settings/cifar_settings.ts";
import { UsageError } from "../command_line/flags.ts";
import { parseFlags } from "../command_line/options.ts";
import { readPath } from "../command_line/paths.ts";
import { shellWord } from "../command_line/shell_word.ts";
import { checkGpus, launchOf, type LaunchRequest } from "../launch/launch_request.ts";
import {
  GIVEN,
  type GivenName,
  TABLE_DEFAULTS,
  TABLE_FLAGS,
  TABLE_NAMES,
  TABLE_TEXT,
} from "./table_flags.ts";

/** How the runs of a table depart from what its rows say. */
export interface Changes {
  /** Another data set. */
  readonly dataset: DatasetName | null;
  /** Fewer training images. */
  readonly train_images: number | null;
  /** Another number of epochs. */
  readonly epochs: number | null;
}

/** What `deno task table` is asked to train. */
export interface TableRequest {
  /** The table, by the name of its folder. */
  readonly table: string;
  /** The rows that are trained, `null` for all. */
  readonly rows: readonly string[] | null;
  /** The number of seeds, from 0 on; `null` for as many as were published. */
  readonly seeds: number | null;
  /** How the runs depart from the rows. */
  readonly changes: Changes;
  /** The files and folders of the user's that rows ask for. */
  readonly given: Readonly<Partial<Record<GivenName, string>>>;
  /** Where things are, and how many hands there are: nothing that changes a result. */
  readonly places: { readonly dataroot: string; readonly logs: string; readonly nthread: number };
  /** How kernels are chosen. */
  readonly autotune: Autotune | undefined;
  /** What was said of ranks and GPUs. */
  readonly launch?: LaunchRequest;
  /** The command itself, as a person would type it again. */
  readonly command: string;
}

/** What the command line says. */
export type TableCommand =
  | { readonly kind: "print"; readonly text: string }
  | { readonly kind: "train"; readonly request: TableRequest }
  | { readonly kind: "list"; readonly request: TableRequest; readonly isTimed: boolean };

type Counts = Record<"seeds" | "epochs" | "train_images", number | null>;

const COUNTS: Counts = { seeds: null, epochs: null, train_images: null };
const COUNT_RULES: Rules<Counts> = {
  seeds: orNull(whole(1)),
  epochs: orNull(whole(1)),
  train_images: orNull(whole(1)),
};

/**
 * Reads the command line of `deno task table`.
 *
 * @param argv The arguments.
 * @throws {UsageError} If there is no such table, or an argument is unknown or has a wrong value.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const command = parseTable(["2", "--rows", "none,sum"]);
 * assert.ok(command.kind === "train");
 * assert.deepEqual([command.request.table, command.request.rows], ["table2", ["none", "sum"]]);
 * ```
 */
export function parseTable(argv: readonly string[]): TableCommand {
  const defaults = {
    ...TABLE_DEFAULTS,
    dataroot: readPath(TABLE_DEFAULTS.dataroot, "dataroot"),
    logs: readPath(TABLE_DEFAULTS.logs, "logs"),
  };
  const parsed = parseFlags(argv, { flags: TABLE_FLAGS, text: TABLE_TEXT, defaults });
  if (parsed.kind === "print") return parsed;
  const { given, operands: [name] = [] } = parsed;
  const { dataset = null, rows = null, autotune, dry_run = false, no_timing = false } = given;
  if (no_timing && !dry_run) {
    throw new UsageError("Cannot read --no_timing: expected --dry_run beside it, found none");
  }
  const { seeds, ...counts } = countsOf({ ...COUNTS, ...pick(given) });
  checkGpus(given);
  const { dataroot, logs, nthread } = { ...defaults, ...given };
  const request = {
    table: folderOf(name),
    rows,
    seeds,
    changes: { dataset, ...counts },
    given: Object.fromEntries(GIVEN.flatMap((name) => {
      const value = given[name];
      return value === undefined ? [] : [[name, value]];
    })),
    places: { dataroot, logs, nthread },
    autotune,
    ...launchOf(given),
    command: ["deno task table", ...argv.map(shellWord)].join(" "),
  };
  if (dry_run) return { kind: "list", request, isTimed: !no_timing };
  return { kind: "train", request };
}

function pick({ seeds = null, epochs = null, train_images = null }: Partial<Counts>): Counts {
  return { seeds, epochs, train_images };
}

function countsOf(counts: Counts): Counts {
  try {
    checkRules(counts, { rules: COUNT_RULES, defaults: COUNTS });
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
  return counts;
}

function folderOf(name: string | undefined): string {
  const found = TABLE_NAMES.find((known) => known === name);
  if (found !== undefined) return /^\d/.test(found) ? `table${found}` : found;
  const [nearest] = name === undefined ? [] : nearestWords(name, TABLE_NAMES);
  throw new UsageError(
    `Cannot read the command line: expected one of the tables ${TABLE_NAMES.join(", ")}, found ${
      name === undefined ? "none" : `${JSON.stringify(name)}; the nearest is ${nearest}`
    }`,
  );
}
