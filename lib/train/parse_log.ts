import { isRecord, parseJson } from "../json.ts";

/** An epoch's line of a `log.txt`, by its keys. */
export type LogEntry = Readonly<Record<string, unknown>>;

/** What a teacher's `log.txt` says of its model. */
export interface LoggedModel {
  /** Layers of the wide ResNet. */
  depth: number;
  /** Factor on the group widths. */
  width: number;
  /** Classes of its data set, where the log has them. */
  num_classes: number | undefined;
}

const OLDER_KEYS: Readonly<Record<string, string>> = {
  batchSize: "batch_size",
  weightDecay: "weight_decay",
  data_root: "dataroot",
};

/**
 * Reads a `log.txt`, ours or the original's: lines that hold no statistics are skipped, older
 * spellings of the keys are mapped to the present ones, and Python's NaN and Infinity become null.
 *
 * @param text The file's text, or a line of it.
 * @returns The epochs, in the order of the lines.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const text = 'Epoch 1\njson_stats: {"epoch": 1, "batchSize": 128, "at_losses": [[NaN, NaN]]}\n';
 * assert.deepEqual(parseLog(text), [{ epoch: 1, batch_size: 128, at_losses: [[null, null]] }]);
 * ```
 */
export function parseLog(text: string): LogEntry[] {
  return text.split("\n").flatMap((line) => {
    const [, json] = /^\s*json_stats:\s*(\{.*\})\s*$/.exec(line) ?? [];
    const value = json === undefined ? undefined : parseJson(withoutTokens(json));
    return isRecord(value) ? [withPresentKeys(value)] : [];
  });
}

/**
 * Reads which model a run trained from its `log.txt`, as the original reads its teacher's.
 *
 * @param text The file's text; its first line counts.
 * @param source What it was read from, for messages.
 * @returns Depth, width and, where it is there, the number of classes.
 * @throws {TypeError} If no line holds statistics, or the first has no depth or width.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const text = 'json_stats: {"depth": 16, "width": 2.0, "num_classes": 10}\n';
 * assert.deepEqual(loggedModel(text, "log.txt"), { depth: 16, width: 2, num_classes: 10 });
 * ```
 */
export function loggedModel(text: string, source: string): LoggedModel {
  const [first] = parseLog(text);
  if (first === undefined) {
    throw new TypeError(`Cannot read ${source}: expected a line json_stats: {...}, found none`);
  }
  const classes = first["num_classes"];
  return {
    depth: numberOf(first, { key: "depth", source }),
    width: numberOf(first, { key: "width", source }),
    num_classes: typeof classes === "number" ? classes : undefined,
  };
}

/**
 * Reads one number of a log's line, so that a resumed run knows which lines it will write again.
 *
 * @param line A line of `log.txt` or of `steps.jsonl`.
 * @param key The key, such as `step`.
 * @returns The number, or undefined where the line has none.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(numberAt('{"step":50,"epoch":1}', "step"), 50);
 * assert.equal(numberAt('json_stats: {"epoch": 2}', "epoch"), 2);
 * assert.equal(numberAt('{"step":5', "step"), undefined);
 * ```
 */
export function numberAt(line: string, key: string): number | undefined {
  const value = parseLog(line)[0] ?? parseJson(line);
  const found = isRecord(value) ? value[key] : undefined;
  return typeof found === "number" ? found : undefined;
}

function numberOf(entry: LogEntry, { key, source }: { key: string; source: string }): number {
  const value = entry[key];
  if (typeof value === "number") return value;
  throw new TypeError(
    `Cannot read ${source}: expected a number as ${key}, found ${JSON.stringify(value)}`,
  );
}

function withoutTokens(json: string): string {
  return json.replaceAll(
    /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g,
    (part) => part.startsWith('"') ? part : "null",
  );
}

function withPresentKeys(entry: LogEntry): LogEntry {
  return Object.fromEntries(
    Object.entries(entry).map(([key, value]) => [OLDER_KEYS[key] ?? key, value]),
  );
}
