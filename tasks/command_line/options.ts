import { Command, CommanderError, Option } from "npm:commander@15.1.0";
import config from "../../deno.json" with { type: "json" };
import { nearestWords } from "../../lib/train/settings/nearest.ts";
import { type Flag, type Flags, type PathOptions, toggle, UsageError } from "./flags.ts";
import { readPath } from "./paths.ts";
import { say, wantPrinted } from "./screen.ts";

/** What a command is called and how its help reads. */
export interface CommandText {
  /** The command as a person types it. */
  readonly name: string;
  /** What it does, in a sentence or two. */
  readonly about: string;
  /** What the help ends with: examples and notes. */
  readonly closing: string;
  /** What the arguments without a flag are called. Default: none. */
  readonly operands?: readonly string[];
}

/** What a command line says: something to print, or the values of the flags that were given. */
export type Parsed<T> =
  | { kind: "print"; text: string }
  | { kind: "given"; given: Partial<T>; operands?: string[] };

const COMMON: Flags<{ help: boolean; version: boolean; debug: boolean }> = {
  help: { ...toggle("Help:", "Show this page"), short: "h" },
  version: toggle("Help:", "Show the version"),
  debug: toggle("Help:", "Show the stack of an error"),
};

/**
 * Reads a command line. Every flag may be spelled with underscores or dashes, a value may follow
 * after a space or an equals sign, and of a flag given twice the last counts.
 *
 * @param argv The arguments.
 * @param command The flags, the command's texts, and the defaults that its help shows.
 * @returns The values of the flags given, or the text that `--help` or `--version` asks for.
 * @throws {UsageError} If an argument is unknown or has a wrong value.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readWhole } from "./flags.ts";
 *
 * const flags = { depth: { group: "Model:", help: "Layers", value: "N", read: readWhole } };
 * const text = { name: "train", about: "Trains.", closing: "" };
 * const parsed = parseFlags(["--depth=40"], { flags, text });
 * assert.deepEqual(parsed, { kind: "given", given: { depth: 40 } });
 * ```
 */
export function parseFlags<T>(
  argv: readonly string[],
  { flags, text, defaults = {} }: { flags: Flags<T>; text: CommandText; defaults?: object },
): Parsed<T> {
  const program = new Command(text.name);
  const places = text.operands ?? [];
  program.description(text.about).usage([...places, "[flags]"].join(" ")).helpOption(false)
    .exitOverride();
  program.configureOutput({
    getOutHasColors: () => false,
    getOutHelpWidth: () => 100,
    writeErr: () => undefined,
  });
  const all: Flags<Record<string, unknown>> = { ...flags, ...COMMON };
  const texts = new Map<string, string>();
  const initial = new Map<string, unknown>(Object.entries(defaults));
  for (const [name, flag] of Object.entries(all)) {
    for (const option of optionsOf(name, flag, initial.get(name))) {
      program.addOption(option);
      program.on(`option:${option.name()}`, (value?: string) => texts.set(name, value ?? ""));
    }
  }
  const args = argv[0] === "--" ? argv.slice(1) : argv;
  const { operands, unknown } = parse(program, args);
  if (texts.has("help")) {
    return { kind: "print", text: `${program.helpInformation()}\n${text.closing}` };
  }
  if (texts.has("version")) return { kind: "print", text: config.version };
  const [stranger] = unknown;
  if (stranger !== undefined) throw unknownFlag(stranger, program);
  if (operands.length > places.length) throw unexpected(operands.slice(places.length), places);
  const logs = texts.get("logs") ?? initial.get("logs");
  const paths = typeof logs === "string" ? { logs: readPath(logs, "logs") } : {};
  const given = readAll(flags, { texts, paths });
  return places.length === 0 ? { kind: "given", given } : { kind: "given", given, operands };
}

/**
 * Runs a command and ends the process as its outcome asks: an error is one line on stderr, with
 * exit code 2 where the command line was wrong and 1 otherwise, as where a result could not be printed. `--debug` shows the stack instead.
 *
 * @param main The command; it takes the arguments and gives the exit code.
 * @param argv The arguments.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * await runCommand((argv) => Promise.resolve(argv.length), []);
 * assert.equal(Deno.exitCode, 0);
 * ```
 */
export async function runCommand(
  main: (argv: readonly string[]) => Promise<number>,
  argv: readonly string[] = Deno.args,
): Promise<void> {
  try {
    const code = await main(argv);
    if (code === 0) wantPrinted();
    Deno.exitCode = code;
  } catch (error) {
    say(wordFailure(error, argv.includes("--debug")));
    Deno.exit(error instanceof UsageError ? error.exitCode : 1);
  }
}

function wordFailure(error: unknown, withStack: boolean): string {
  if (!(error instanceof Error)) return `error: ${error}`;
  return withStack ? Deno.inspect(error, { colors: false }) : `error: ${error.message}`;
}

function optionsOf(name: string, flag: Flag<unknown>, initial: unknown): Option[] {
  const names = [...(flag.aliases ?? []), name];
  const spellings = new Set(names.flatMap((word) => [word, word.replaceAll("_", "-")]));
  const value = flag.value === undefined ? "" : ` <${flag.value}>`;
  return Array.from(spellings, (spelling, index) => {
    const short = index === 0 && flag.short !== undefined ? `-${flag.short}, ` : "";
    const option = new Option(`${short}--${spelling}${value}`, flag.help).helpGroup(flag.group);
    if (typeof initial === "string" && initial !== "") option.default(initial, initial);
    if (typeof initial === "number") option.default(initial);
    if (Array.isArray(initial)) option.default(initial, JSON.stringify(initial));
    return index === 0 ? option : option.hideHelp();
  });
}

function parse(
  program: Command,
  argv: readonly string[],
): { operands: string[]; unknown: string[] } {
  try {
    return program.parseOptions([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new UsageError(`Cannot read ${argv.at(-1)}: expected a value after it, found nothing`);
  }
}

function readAll<T>(
  flags: Flags<T>,
  { texts, paths }: { texts: ReadonlyMap<string, string>; paths: PathOptions },
): Partial<T> {
  const given: Partial<T> = {};
  for (const name in flags) {
    const text = texts.get(name);
    if (text !== undefined) given[name] = flags[name].read(text, name, paths);
  }
  return given;
}

function unknownFlag(argument: string, program: Command): UsageError {
  const [name = "", value] = argument.split("=", 2);
  const known = program.options.find((option) => option.long === name);
  if (known !== undefined) {
    return new UsageError(`Cannot read ${name}: expected no value, found ${JSON.stringify(value)}`);
  }
  const flags = program.options.filter((option) => !option.hidden).map((option) =>
    option.long ?? ""
  );
  const [nearest] = nearestWords(name, flags);
  return new UsageError(
    `Cannot read the command line: expected a flag, found ${name}; the nearest is ${nearest}`,
  );
}

function unexpected(operands: readonly string[], places: readonly string[]): UsageError {
  const found = operands.map((operand) => JSON.stringify(operand)).join(" ");
  const wanted = places.length === 0 ? "only flags" : `only ${places.join(" ")} and flags`;
  return new UsageError(`Cannot read the command line: expected ${wanted}, found ${found}`);
}
