import { existsSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { isPath } from "../../lib/train/find_run.ts";
import { type PathOptions, UsageError } from "./flags.ts";

/**
 * Says where the command was typed. `deno task` works in the project's root and leaves the other folder in `INIT_CWD`.
 * A process that works elsewhere has inherited that variable, so there it does not count.
 *
 * @param options.cwd The folder that the process works in.
 * @param options.initCwd What `INIT_CWD` says.
 * @returns The whole path of a folder.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(typedFolder({ cwd: "/", initCwd: "/home/ada" }), "/");
 * ```
 */
export function typedFolder(
  { cwd = Deno.cwd(), initCwd = Deno.env.get("INIT_CWD") ?? "" }: {
    cwd?: string;
    initCwd?: string;
  } = {},
): string {
  return isAbsolute(initCwd) && isProject(cwd) ? resolve(initCwd) : cwd;
}

/**
 * Reads a path: `~` is the home folder, and a relative path counts from where the command was typed.
 *
 * @param text The path as it was typed.
 * @param name The name of the flag, for the message.
 * @param options Where relative paths count from.
 * @returns The whole path; an empty text stays empty.
 * @throws {UsageError} If `~` stands for a home folder that `HOME` does not name.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(readPath("sets/birds", "data", { from: "/home/ada" }), "/home/ada/sets/birds");
 * ```
 */
export function readPath(
  text: string,
  name: string,
  { from = typedFolder() }: PathOptions = {},
): string {
  if (text === "") return text;
  if (!/^~($|[\\/])/.test(text)) return resolve(from, text);
  const home = Deno.env.get("HOME") ?? "";
  if (home !== "") return resolve(home, text.replace(/^~[\\/]*/, ""));
  throw new UsageError(`Cannot read --${name}: wanted the home folder in HOME, found none`);
}

/**
 * Reads a path, or a bare name, which stays as it is.
 *
 * @param text A path or a name as it was typed.
 * @param name The name of the flag, for the message.
 * @param options Where relative paths count from.
 * @returns The whole path, or the name.
 * @throws {UsageError} If `~` stands for a home folder that `HOME` does not name.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(readPathOrName("resnet_16_1", "save"), "resnet_16_1");
 * assert.equal(readPathOrName("./a", "save", { from: "/home/ada" }), "/home/ada/a");
 * ```
 */
export function readPathOrName(text: string, name: string, options: PathOptions = {}): string {
  return isPath(text) || text === "~" ? readPath(text, name, options) : text;
}

/**
 * Reads what names a run or a weights file. A run under `logs` stays a name, so that it is found where the folder of
 * runs goes; a file or a folder elsewhere becomes a whole path.
 *
 * @param text A run's name, a folder or a file, as it was typed.
 * @param name The name of the flag, for the message.
 * @param options Where relative paths count from, and the folder of runs.
 * @returns A whole path, or a name under `logs`.
 * @throws {UsageError} If `~` stands for a home folder that `HOME` does not name.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const options = { from: "/home/ada", logs: "/home/ada/logs" };
 * assert.equal(readRun("../bob/net.pth", "teacher", options), "/home/bob/net.pth");
 * ```
 */
export function readRun(
  text: string,
  name: string,
  { from = typedFolder(), logs = resolve(from, "logs") }: PathOptions = {},
): string {
  if (text === "") return text;
  const path = readPath(text, name, { from });
  if (/^[.\\/~]/.test(text)) return path;
  const isRun = existsSync(join(logs, text));
  // As resolveRun looks: a bare name under the folder of runs first, a path as it stands first.
  if (isPath(text)) return isRun && !existsSync(path) ? text : path;
  return isRun || from === Deno.cwd() && !existsSync(path) ? text : path;
}

/**
 * Words a path for the screen: short where it lies in the folder where the command was typed, whole elsewhere.
 *
 * @param path A path, as the process takes it.
 * @param options What short paths count from.
 * @returns A path that means the same there.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(shortPath("/home/ada/runs/a", { from: "/home/ada" }), "runs/a");
 * assert.equal(shortPath("/data", { from: "/home/ada" }), "/data");
 * ```
 */
export function shortPath(path: string, { from = typedFolder() }: PathOptions = {}): string {
  const short = relative(from, path);
  return short === "" || short === ".." || /^\.\.[\\/]/.test(short) ? resolve(path) : short;
}

function isProject(folder: string): boolean {
  const { dirname } = import.meta;
  return dirname !== undefined &&
    Deno.realPathSync(folder) === Deno.realPathSync(join(dirname, "..", ".."));
}
