import { basename, join } from "node:path";
import { foundAt } from "./exists.ts";

/** A line of a data set's list. */
export interface ListLine {
  /** Its number in the file, from 1. */
  readonly number: number;
  /** Its fields. */
  readonly fields: readonly string[];
}

/** What the lines of a list must be. */
export interface LineForm {
  /** It in words, such as `<class>/<file>`. */
  readonly wanted: string;
  /** Matches a line; its groups are the fields. */
  readonly pattern: RegExp;
}

/** A list that belongs to a data set on disk. */
export class LinedList {
  private constructor(
    /** The file. */
    readonly path: string,
    /** What its lines are. */
    readonly form: LineForm,
    /** Its lines, those without text left out. */
    readonly lines: readonly ListLine[],
  ) {}

  /**
   * Reads a list.
   *
   * @param path The file.
   * @param form What its lines must be.
   * @throws {Error} If there is no file, it has no line, or a line is of another form.
   */
  static async read(path: string, form: LineForm): Promise<LinedList> {
    const lines: ListLine[] = [];
    const list: LinedList = new LinedList(path, form, lines);
    for (const [at, line] of (await textOf(path, form)).split("\n").entries()) {
      const text = line.trim();
      if (text === "") continue;
      const match = form.pattern.exec(text);
      if (match === null) list.refuse(at + 1, form.wanted, JSON.stringify(text));
      lines.push({ number: at + 1, fields: match.slice(1) });
    }
    if (lines.length > 0) return list;
    throw new Error(`Cannot read ${path}: wanted lines ${form.wanted}, found none`);
  }

  /** The name of the file. */
  get name(): string {
    return basename(this.path);
  }

  /** The same list with other lines of it, or in another order. */
  withLines(lines: readonly ListLine[]): LinedList {
    return new LinedList(this.path, this.form, lines);
  }

  /** Refuses a line: says what it must be and what it is. */
  refuse(line: number, wanted: string, found: string): never {
    throw new Error(`Cannot read ${this.path}: line ${line} must be ${wanted}, found ${found}`);
  }

  /**
   * The lines by a field.
   *
   * @param keyOf What a line is found by.
   * @throws {Error} If two lines have the same.
   */
  by(keyOf: (line: ListLine) => string): ReadonlyMap<string, ListLine> {
    const lines = new Map<string, ListLine>();
    for (const line of this.lines) {
      const key = keyOf(line);
      const twin = lines.get(key);
      if (twin !== undefined) {
        this.refuse(line.number, `the only one of ${key}`, `line ${twin.number} too`);
      }
      lines.set(key, line);
    }
    return lines;
  }

  /**
   * Sees to it that the files that the list names are there.
   *
   * @param folder The folder that they are named from.
   * @param fileOf The file that a line names.
   * @throws {Error} If one is not: the message names it and the line.
   */
  async checkFiles(folder: string, fileOf: (line: ListLine) => string): Promise<void> {
    for (let first = 0; first < this.lines.length; first += FILES_AT_ONCE) {
      const lines = this.lines.slice(first, first + FILES_AT_ONCE);
      const found = await Promise.all(lines.map((line) => isFile(join(folder, fileOf(line)))));
      const missing = lines[found.indexOf(false)];
      if (missing === undefined) continue;
      const path = join(folder, fileOf(missing));
      throw new Error(
        `Cannot read ${path}: wanted the image that line ${missing.number} of ${this.path} names, found ${await foundAt(
          path,
        )}`,
      );
    }
  }
}

const FILES_AT_ONCE = 256;

async function textOf(path: string, { wanted }: LineForm): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const found = await foundAt(path, error);
    throw new Error(`Cannot read ${path}: wanted a file of lines ${wanted}, found ${found}`, {
      cause: error,
    });
  }
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((found) => found.isFile, () => false);
}
