import { markdownTable } from "npm:markdown-table@3.0.4";
import type { Measure } from "./table_files.ts";
import type { RowResult, TableResult } from "./table_results.ts";

const WORDS: Readonly<Record<Measure, string>> = {
  error: "test error, %",
  top5_error: "top-5 error, %",
  accuracy: "test accuracy, %",
};

/** What a cell holds that has no number. */
const NONE = "-";

/**
 * Words a table's results in Markdown: a line a row, our median and spread beside the published number, and below what
 * they were made with.
 */
export function formatResult(result: TableResult): string {
  const { title, source, rows, isRehearsal, date, notes } = result;
  const heading = isRehearsal ? `Rehearsal of ${title}` : title;
  const warning = isRehearsal
    ? ["This is a rehearsal: its numbers do not compare with the published ones.", ""]
    : [];
  return [
    `# ${heading}`,
    "",
    ...warning,
    markdownTable([
      ["row", "measure", "published", "ours", "lowest", "highest", "n", "difference", "best epoch"],
      ...rows.map(cellsOf),
    ], { align: ["l", "l", "r", "r", "r", "r", "r", "r", "r"] }),
    "",
    `- Published: ${source}.`,
    "- Ours: the median of n seeds after the last epoch, the lowest and the highest of them, and the " +
    "median less the published number; best epoch: the median of each seed's best epoch on the test set.",
    `- Adapter: ${list(result.adapters)}. Pupil ${list(result.versions)}, ${date}.`,
    `- Data: ${list(result.datasets)}; epochs: ${
      list(result.epochs.map(String))
    }; hours of the runs: ${hoursOf(rows)}.`,
    ...notes.map((note) => `- ${note}`),
    "",
  ].join("\n");
}

function cellsOf(row: RowResult): string[] {
  const { label, measure, paper, median, lowest, highest, n, difference, best } = row;
  const sign = difference !== null && difference > 0 ? "+" : "";
  const cell = (value: number | null) => value === null ? NONE : value.toFixed(2);
  return [
    label,
    WORDS[measure],
    String(paper),
    cell(median),
    cell(lowest),
    cell(highest),
    String(n),
    `${sign}${cell(difference)}`,
    cell(best),
  ];
}

/** The time of all runs, each once. */
function hoursOf(rows: readonly RowResult[]): string {
  const runs = new Map(
    rows.flatMap((row) => row.runs.map(({ run, seconds }) => [run, seconds] as const)),
  );
  return (runs.values().reduce((sum, seconds) => sum + seconds, 0) / 3600).toFixed(2);
}

function list(words: readonly string[]): string {
  return words.length === 0 ? "none yet" : words.join(", ");
}
