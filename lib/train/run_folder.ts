import { basename, join } from "node:path";
import { isRecord, parseJson } from "../json.ts";
import { kindOf } from "./find_run.ts";
import { lockFile } from "./lock_file.ts";
import { messageOf } from "../weights/message_of.ts";
import { writeFileAtomic } from "../weights/write_file.ts";

/** The files of a run beside its `config.json`. */
export const RUN_FILES = {
  /** A line an epoch, the original's. */
  log: "log.txt",
  /** A line every `log_every` steps. */
  steps: "steps.jsonl",
  /** The student after the last epoch. */
  last: "model.safetensors",
  /** The student after the epoch with the best test accuracy. */
  best: "best.safetensors",
  /** The best student before an epoch that a bound of steps cut short. */
  bestBefore: "best_before.safetensors",
  /** What resuming needs. */
  checkpoint: "checkpoint.safetensors",
} as const;

const CONFIG = "config.json";
/** Locked while a process trains in the folder. */
const LOCK = "run.lock";
/** What a run has written before it saves anything. */
const STARTED: readonly string[] = [CONFIG, RUN_FILES.steps];
const OWN: readonly string[] = [CONFIG, ...Object.values(RUN_FILES)];
const SAVED = OWN.filter((name) => !STARTED.includes(name));

/**
 * The folder of a run: its `config.json`, its logs and its weights. Files in it are written whole
 * or not at all, and its logs line by line.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const logs = await Deno.makeTempDir();
 * const run = await RunFolder.create(`${logs}/resnet_16_1`);
 * await run.writeConfig({ depth: 16 });
 * await run.appendLine("steps.jsonl", '{"step":0}');
 * assert.deepEqual(await run.readConfig(), { depth: 16 });
 * await assert.rejects(RunFolder.create(run.path), /Cannot start a run/);
 * await Deno.remove(logs, { recursive: true });
 * ```
 */
export class RunFolder {
  /** The folder's path. */
  readonly path: string;

  private constructor(
    path: string,
    /** Whether the folder was not there before. */
    private readonly isNew = false,
  ) {
    this.path = path;
  }

  /** The run's name: the last part of its path. */
  get name(): string {
    return basename(this.path);
  }

  /**
   * Makes the folder of a new run, and the folders above it.
   *
   * @param path Where it goes; a folder may be there already that is empty, or holds only what a run left that ended
   * before anything was saved.
   * @param options `numbered` takes the next free name (`_2`, `_3`...) where the path is taken.
   * @throws {RangeError} If something is there and `numbered` is not asked for; nothing is changed.
   */
  static async create(
    path: string,
    { numbered = false }: { numbered?: boolean } = {},
  ): Promise<RunFolder> {
    const above = join(path, "..");
    if (!await makeFolder(above, { recursive: true })) {
      throw new RangeError(
        `Cannot start a run in ${path}: expected a folder at ${above}, found a file`,
      );
    }
    let place = path;
    for (let number = 2; !await makeFolder(place); number++) {
      if (!numbered) {
        await checkFree(place);
        return new RunFolder(place);
      }
      place = `${path}_${number}`;
    }
    return new RunFolder(place, true);
  }

  /**
   * Opens the folder of a run that was started before.
   *
   * @param path The folder.
   * @throws {RangeError} If there is no such folder.
   */
  static async open(path: string): Promise<RunFolder> {
    const kind = await kindOf(path);
    if (kind === "folder") return new RunFolder(path);
    throw new RangeError(`Cannot open run ${path}: expected a folder, found ${kind ?? "nothing"}`);
  }

  /**
   * Keeps the folder to one process that trains there, until that is disposed of or the process ends. What an earlier one
   * was writing when it was killed is removed.
   *
   * @throws {RangeError} If another one trains there.
   */
  async hold(): Promise<Disposable> {
    const held = await lockFile(this.file(LOCK));
    if (held !== null) {
      for (const name of await namesIn(this.path)) {
        if (isPart(name)) await Deno.remove(this.file(name));
      }
      return held;
    }
    throw new RangeError(
      `Cannot train in ${this.path}: expected no other process at work there, found one, which holds ${
        this.file(LOCK)
      }`,
    );
  }

  /**
   * Whether a run was started here and ended before it saved anything, so that there is nothing to go on from.
   */
  async isUnsaved(): Promise<boolean> {
    const names = await namesIn(this.path);
    return names.includes(CONFIG) && !SAVED.some((name) => names.includes(name));
  }

  /**
   * Removes the files of a run. Others stay, and so does the lock.
   *
   * @throws {RangeError} If a process trains there.
   */
  async clear(): Promise<void> {
    using _held = await this.hold();
    for (const name of OWN) await this.remove(name);
  }

  /**
   * Frees the name of a run that failed before it logged a step: what it wrote goes, and the folder if it made that. A
   * run that came further is left as it is.
   *
   * @throws {RangeError} If a process trains there.
   */
  async discard(): Promise<void> {
    const names = await namesIn(this.path);
    if (SAVED.some((name) => names.includes(name))) return;
    if (await readIfThere(this.file(RUN_FILES.steps))) return;
    await this.clear();
    if (!this.isNew) return;
    await Deno.remove(this.file(LOCK));
    await Deno.remove(this.path);
  }

  /**
   * Gives the path of a file in the folder.
   *
   * @param name The file's name.
   */
  file(name: string): string {
    return join(this.path, name);
  }

  /**
   * Writes a file of the run, whole or not at all.
   *
   * @param name The file's name.
   * @param content Bytes, or text.
   */
  async write(name: string, content: Uint8Array | string): Promise<void> {
    await writeFileAtomic(this.file(name), content);
  }

  /**
   * Whether a file is there.
   *
   * @param name The file's name.
   */
  async has(name: string): Promise<boolean> {
    return await kindOf(this.file(name)) === "file";
  }

  /**
   * Gives a file another name, in place of a file of that name.
   *
   * @param from The file's name.
   * @param to Its new name.
   */
  async rename(from: string, to: string): Promise<void> {
    await Deno.rename(this.file(from), this.file(to));
  }

  /**
   * Removes a file, if it is there.
   *
   * @param name The file's name.
   */
  async remove(name: string): Promise<void> {
    if (await this.has(name)) await Deno.remove(this.file(name));
  }

  /**
   * Writes `config.json`.
   *
   * @param settings The run's settings.
   */
  async writeConfig(settings: object): Promise<void> {
    await this.write(CONFIG, `${JSON.stringify(settings, undefined, 2)}\n`);
  }

  /**
   * Reads `config.json`.
   *
   * @returns Its object, whose keys and values the caller checks.
   * @throws {RangeError} If it is missing, or not a JSON object.
   */
  async readConfig(): Promise<Record<string, unknown>> {
    const path = this.file(CONFIG);
    const text = await readIfThere(path);
    if (text === undefined) {
      throw new RangeError(`Cannot read ${path}: expected the settings of a run, found no file`);
    }
    const value = parseJson(text);
    if (isRecord(value)) return value;
    const found = value === undefined ? "text that is not JSON" : JSON.stringify(value);
    throw new RangeError(`Cannot read ${path}: expected an object of settings, found ${found}`);
  }

  /**
   * Appends one line to a log, in one write.
   *
   * @param name The log's name.
   * @param line The line, without its end.
   * @throws {RangeError} If the line holds a line end.
   * @throws {Error} If the line cannot be written.
   */
  async appendLine(name: string, line: string): Promise<void> {
    if (line.includes("\n")) {
      throw new RangeError(`Cannot append to ${this.file(name)}: expected one line, found more`);
    }
    try {
      await Deno.writeTextFile(this.file(name), `${line}\n`, { append: true });
    } catch (cause) {
      throw new Error(`Cannot write ${this.file(name)}: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * Drops the lines of a log that a resumed run writes again: the first that is asked for and all
   * after it, and a last line that an interruption cut short. A log that is not there stays so.
   *
   * @param name The log's name.
   * @param isFirst Whether a line is the first to go.
   */
  async dropLinesFrom(name: string, isFirst: (line: string) => boolean): Promise<void> {
    const text = await readIfThere(this.file(name));
    if (text === undefined) return;
    const whole = text.split("\n").slice(0, -1);
    const first = whole.findIndex((line) => isFirst(line));
    const kept = first < 0 ? whole : whole.slice(0, first);
    const rest = kept.map((line) => `${line}\n`).join("");
    if (rest !== text) await this.write(name, rest);
  }
}

async function makeFolder(path: string, options: { recursive?: boolean } = {}): Promise<boolean> {
  try {
    await Deno.mkdir(path, options);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.AlreadyExists) return false;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot make the folder ${path}: ${reason}`, { cause });
  }
}

async function checkFree(path: string): Promise<void> {
  const kind = await kindOf(path);
  const names = kind === "folder" ? await namesIn(path) : [];
  const others = names.filter((name) => name !== LOCK && !isPart(name));
  // A run locks its folder before it writes there: without the lock, the files are somebody else's.
  const isLeftOver = names.includes(LOCK) && others.every((name) => STARTED.includes(name));
  if (kind === "folder" && (others.length === 0 || isLeftOver)) return;
  const isRun = names.includes(CONFIG) && names.includes(RUN_FILES.checkpoint);
  const found = kind === "folder" ? `${isRun ? CONFIG : others[0]} in it` : "a file";
  const advice = isRun
    ? "continue it with --resume, or choose another --save"
    : "choose another --save";
  throw new RangeError(
    `Cannot start a run in ${path}: expected a new or empty folder, found ${found}; ${advice}`,
  );
}

async function namesIn(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path), ({ name }) => name)).sort();
}

/** Whether a file is one of a run's that a process was writing when it was killed. */
function isPart(name: string): boolean {
  return OWN.some((own) => name.startsWith(`${own}.`) && name.endsWith(".part"));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
