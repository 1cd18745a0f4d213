import { join, resolve } from "node:path";
import { nearestWords } from "./settings/nearest.ts";

/** Where a run was found. */
export interface FoundRun {
  /** A run's folder, or a file of weights. */
  kind: "folder" | "file";
  /** Its path. */
  path: string;
}

/**
 * Finds a run by its name under the folder of runs, or by a path.
 *
 * @param nameOrPath A run's name, a folder, or a file where one is allowed.
 * @param options `logs` is the folder of runs; `allowFile` takes a file of weights too.
 * @returns What was found; a bare name is looked for under `logs` first, a path as it is first.
 * @throws {RangeError} If nothing is found; the message names the nearest runs.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const logs = await Deno.makeTempDir();
 * await Deno.mkdir(`${logs}/resnet_16_2`);
 * assert.equal((await resolveRun("resnet_16_2", { logs })).path, `${logs}/resnet_16_2`);
 * await assert.rejects(resolveRun("resnet_16_3", { logs }), /the nearest is resnet_16_2/);
 * await Deno.remove(logs, { recursive: true });
 * ```
 */
export async function resolveRun(
  nameOrPath: string,
  { logs, allowFile = false }: { logs: string; allowFile?: boolean },
): Promise<FoundRun> {
  const kinds = allowFile ? ["folder", "file"] : ["folder"];
  const places = placesOf(nameOrPath, logs);
  const found = [];
  for (const path of places) {
    const kind = await kindOf(path);
    if (kind !== undefined && kinds.includes(kind)) return { kind, path };
    found.push(`${kind === undefined ? "nothing" : "a file"} at ${resolve(path)}`);
  }
  const wanted = allowFile
    ? "a run's name, a folder or a weights file"
    : "a run's name or a folder";
  throw new RangeError(
    `Cannot find run ${JSON.stringify(nameOrPath)}: expected ${wanted}, found ${
      found.join(" and ") || "nothing"
    }; ` +
      await hint(nameOrPath, logs),
  );
}

/**
 * Says where the folder of a new run goes.
 *
 * @param save A path, or a bare name.
 * @param logs The folder of runs, for a bare name.
 * @returns The folder's path.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(saveLocation("resnet_16_1", "logs"), "logs/resnet_16_1");
 * assert.equal(saveLocation("runs/resnet_16_1", "logs"), "runs/resnet_16_1");
 * ```
 */
export function saveLocation(save: string, logs: string): string {
  return isPath(save) ? save : join(logs, save);
}

/**
 * Says what is at a path.
 *
 * @param path The path.
 * @returns A folder, a file, or undefined for nothing.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(await kindOf("no/such/place"), undefined);
 * ```
 */
export async function kindOf(path: string): Promise<"folder" | "file" | undefined> {
  try {
    return (await Deno.stat(path)).isDirectory ? "folder" : "file";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

function placesOf(nameOrPath: string, logs: string): string[] {
  if (nameOrPath === "") return [];
  if (/^[.\\/]/.test(nameOrPath)) return [nameOrPath];
  const under = join(logs, nameOrPath);
  return isPath(nameOrPath) ? [nameOrPath, under] : [under, nameOrPath];
}

/** Whether a text is a path, not a bare name. */
export function isPath(text: string): boolean {
  return /[\\/]/.test(text) || /^\.{1,2}$/.test(text);
}

async function hint(name: string, logs: string): Promise<string> {
  if (await kindOf(logs) !== "folder") return `there is no folder ${resolve(logs)}`;
  const entries = await Array.fromAsync(Deno.readDir(logs));
  const runs = entries.filter((entry) => entry.isDirectory).map((entry) => entry.name).sort();
  const last = name.split(/[\\/]/).findLast((part) => part !== "") ?? "";
  const [first, ...rest] = nearestWords(last, runs).slice(0, 3);
  if (first === undefined) return `there are no runs under ${logs}`;
  return rest.length === 0
    ? `the nearest is ${first}`
    : `the nearest under ${logs} are ${[first, ...rest].join(", ")}`;
}
