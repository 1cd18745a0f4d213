import { basename, join } from "node:path";
import { isRecord, parseJson } from "../json.ts";
import { kindOf } from "./find_run.ts";
import { lockFile } from "./lock_file.ts";
import { writeFileAtomic } from "../weights/write_file.ts";

/** Locked while a process trains in the folder. */
const LOCK = "run.lock";

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

  private constructor(path: string) {
    this.path = path;
  }

  /** The run's name: the last part of its path. */
  get name(): string {
    return basename(this.path);
  }

  /**
   * Makes the folder of a new run, and the folders above it.
   *
   * @param path Where it goes; a folder may be there already that is empty, but for the lock of a run that is over.
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
        await checkEmpty(place);
        break;
      }
      place = `${path}_${number}`;
    }
    return new RunFolder(place);
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
   * Keeps the folder to one process that trains there, until that is disposed of or the process ends.
   *
   * @throws {RangeError} If another one trains there.
   */
  async hold(): Promise<Disposable> {
    const held = await lockFile(this.file(LOCK));
    if (held !== null) return held;
    throw new RangeError(
      `Cannot train in ${this.path}: expected no other process at work there, found one, which holds ${
        this.file(LOCK)
      }`,
    );
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
    await this.write("config.json", `${JSON.stringify(settings, undefined, 2)}\n`);
  }

  /**
   * Reads `config.json`.
   *
   * @returns Its object, whose keys and values the caller checks.
   * @throws {RangeError} If it is missing, or not a JSON object.
   */
  async readConfig(): Promise<Record<string, unknown>> {
    const path = this.file("config.json");
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
   */
  async appendLine(name: string, line: string): Promise<void> {
    if (line.includes("\n")) {
      throw new RangeError(`Cannot append to ${this.file(name)}: expected one line, found more`);
    }
    await Deno.writeTextFile(this.file(name), `${line}\n`, { append: true });
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

async function checkEmpty(path: string): Promise<void> {
  const kind = await kindOf(path);
  const entries = kind === "folder" ? await Array.fromAsync(Deno.readDir(path)) : [];
  const names = entries.map(({ name }) => name).filter((name) => name !== LOCK).sort();
  if (kind === "folder" && names.length === 0) return;
  const isRun = names.includes("config.json");
  const found = kind === "folder" ? `${isRun ? "config.json" : names[0]} in it` : "a file";
  const advice = isRun
    ? "continue it with --resume, or choose another --save"
    : "choose another --save";
  throw new RangeError(
    `Cannot start a run in ${path}: expected a new or empty folder, found ${found}; ${advice}`,
  );
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
