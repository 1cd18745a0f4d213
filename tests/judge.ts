import { stripVTControlCharacters } from "node:util";

/** How `deno test` ended and what it last printed. */
export interface Ending {
  /** What it printed to standard output, at least the end of it. */
  readonly output: string;
  /** The exit code. */
  readonly code: number;
  /** The signal that ended it, `null` if it ended by itself. */
  readonly signal: string | null;
}

/** What a run of the tests is worth. */
export interface Verdict {
  /** Tests that passed. */
  readonly passed: number;
  /** Tests that failed, at least 1 where something else went wrong. */
  readonly failed: number;
  /** One line about an unusual ending. */
  readonly note?: string;
}

const SUMMARY = /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed.* \([^()]+\)$/;

/**
 * Judges a run of `deno test` by its summary, which must be the last thing it printed. A process that a signal ends
 * after a complete summary has run every test: a software adapter's driver sometimes aborts while it is unloaded.
 *
 * @param ending How the process ended.
 */
export function judge({ output, code, signal }: Ending): Verdict {
  const ended = signal === null ? `with exit code ${code}` : `by ${signal}`;
  const [, passed, failed] =
    stripVTControlCharacters(output).trimEnd().split("\n").at(-1)?.match(SUMMARY) ?? [];
  if (passed === undefined || failed === undefined) {
    return { passed: 0, failed: 1, note: `deno test ended ${ended} before its summary` };
  }
  const counts = { passed: Number(passed), failed: Number(failed) };
  if (counts.failed > 0) return counts;
  if (code === 0) return counts;
  if (signal === null) {
    return { ...counts, failed: 1, note: `deno test ended ${ended}, though no test failed` };
  }
  return { ...counts, note: `deno test ended ${ended} after its complete summary, which counts` };
}

/** The counts of all runs; where no test ran at all, that is a failure. */
export function total(verdicts: readonly Verdict[]): Pick<Verdict, "passed" | "failed"> {
  const passed = verdicts.reduce((sum, verdict) => sum + verdict.passed, 0);
  const failed = verdicts.reduce((sum, verdict) => sum + verdict.failed, 0);
  return { passed, failed: passed + failed === 0 ? 1 : failed };
}
