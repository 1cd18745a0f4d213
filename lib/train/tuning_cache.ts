import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import type { AdapterDescription } from "../gpu/adapter.ts";
import { comparedVariants, type Effort } from "../gpu/trial.ts";
import type { Answer } from "../gpu/tuner.ts";
import { type Question, questionKey } from "../gpu/tuning.ts";
import { isRecord, isTexts } from "../json.ts";
import { messageOf } from "../weights/message_of.ts";
import { writeFileAtomic } from "../weights/write_file.ts";

/** What is kept of a tuned question. */
interface Entry {
  readonly variant: string;
  readonly among: readonly string[];
  readonly kernels: string;
  readonly effort: Effort;
}

/** Where a cache lies, and whose it is. */
export interface CacheOptions {
  /** The adapter that was tuned for. */
  readonly adapter: AdapterDescription;
  /** The folder of caches, `null` to keep nothing. Default: {@link cacheFolder}. */
  readonly folder?: string | null | undefined;
  /** Told if there is a file that cannot be used. */
  readonly onNote?: ((note: string) => void) | undefined;
}

const VARIABLES = ["XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"] as const;

/** An environment variable, `undefined` as well where it may not be read: nobody is asked for the permission. */
function variable(name: typeof VARIABLES[number]): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  const value = state === "granted" ? Deno.env.get(name) : undefined;
  return value === "" ? undefined : value;
}

/**
 * Names the folder in which the platform keeps caches, and Pupil's in it.
 *
 * @param os The operating system, as in `Deno.build.os`.
 * @param env Reads an environment variable.
 * @returns The folder, which may not exist yet; `null` where the environment does not say.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(cacheFolder("darwin", () => "/Users/ada"), "/Users/ada/Library/Caches/pupil");
 * assert.equal(cacheFolder("linux", () => undefined), null);
 * ```
 */
export function cacheFolder(
  os: string = Deno.build.os,
  env: (name: typeof VARIABLES[number]) => string | undefined = variable,
): string | null {
  const under = (above: string | undefined, ...rest: string[]) =>
    above === undefined ? null : join(above, ...rest, "pupil");
  if (os === "windows") return under(env("LOCALAPPDATA"));
  if (os === "darwin") return under(env("HOME"), "Library", "Caches");
  return under(env("XDG_CACHE_HOME")) ?? under(env("HOME"), ".cache");
}

/** What is known of adapters where a file may not or could not be written, so that a process does not tune twice. */
const UNWRITTEN = new WeakMap<AdapterDescription, Map<string | null, Map<string, Entry>>>();

function digest(...texts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 16);
}

function kernelsOf({ kernels }: Question): string {
  return digest(...new Set(kernels.map(({ name, source }) => `${name} ${source}`)));
}

function mayUse(path: string): boolean {
  return (["read", "write"] as const).every((name) =>
    Deno.permissions.querySync({ name, path }).state === "granted"
  );
}

function entryOf(value: unknown): Entry | null {
  if (!isRecord(value)) return null;
  const { variant, among, kernels, effort } = value;
  if (typeof variant !== "string" || typeof kernels !== "string") return null;
  if (effort !== "quick" && effort !== "full") return null;
  if (!isTexts(among)) return null;
  return { variant, among, kernels, effort };
}

/**
 * What the tuner found out about an adapter, kept in a file between processes. The file says which adapter, which
 * version of Deno and which version of Pupil it is of, and each entry which kernels were compared: what does not
 * match is tuned anew.
 */
export class TuningCache {
  readonly #entries: Map<string, Entry>;
  readonly #owner: { readonly adapter: string; readonly deno: string; readonly pupil: string };
  readonly #adapter: AdapterDescription;
  #isWritten: boolean;

  private constructor(
    /** The file, `null` where nothing is kept. */
    readonly path: string | null,
    adapter: AdapterDescription,
  ) {
    const kept = UNWRITTEN.get(adapter)?.get(path);
    this.#entries = kept ?? new Map();
    this.#adapter = adapter;
    this.#owner = { adapter: adapter.identity, deno: Deno.version.deno, pupil: config.version };
    this.#isWritten = kept === undefined;
    if (path === null) this.#keepUnwritten();
  }

  /** From now on this process alone knows what is found out. */
  #keepUnwritten(): void {
    this.#isWritten = false;
    const kept = UNWRITTEN.get(this.#adapter) ?? new Map<string | null, Map<string, Entry>>();
    UNWRITTEN.set(this.#adapter, kept.set(this.path, this.#entries));
  }

  /** Reads an adapter's cache. One that cannot be read, or is another version's, is as good as none. */
  static async open(
    { adapter, folder = cacheFolder(), onNote = () => {} }: CacheOptions,
  ): Promise<TuningCache> {
    const name = adapter.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
    const path = folder === null
      ? null
      : join(folder, "tuning", `${name}_${digest(adapter.identity).slice(0, 8)}.json`);
    const cache = new TuningCache(path !== null && mayUse(path) ? path : null, adapter);
    const fault = await cache.#load();
    if (fault !== null) onNote(`the kernels are tuned anew: ${path} ${fault}`);
    return cache;
  }

  async #load(): Promise<string | null> {
    if (this.path === null || !this.#isWritten) return null;
    let value: unknown;
    try {
      value = JSON.parse(await Deno.readTextFile(this.path));
    } catch (error) {
      const { NotFound, NotADirectory } = Deno.errors;
      if (error instanceof NotFound || error instanceof NotADirectory) return null;
      if (error instanceof SyntaxError) return "is not JSON";
      this.#keepUnwritten();
      return "cannot be read";
    }
    if (!isRecord(value) || !isRecord(value["entries"])) return "is not a cache of the tuner";
    for (const [what, wanted] of Object.entries(this.#owner)) {
      const found = value[what];
      if (found !== wanted) return `was written for ${what} ${found}, this is ${wanted}`;
    }
    for (const [key, found] of Object.entries(value["entries"])) {
      const entry = entryOf(found);
      if (entry !== null) this.#entries.set(key, entry);
    }
    return null;
  }

  /** Finds what a question was answered after at least as much effort, `null` if it must be tuned. */
  find(question: Question, effort: Effort): string | null {
    const entry = this.#entries.get(questionKey(question));
    if (entry === undefined || (effort === "full" && entry.effort !== "full")) return null;
    const isSame = entry.kernels === kernelsOf(question) &&
      JSON.stringify(entry.among) === JSON.stringify(comparedVariants(question, entry.effort));
    return isSame && entry.among.includes(entry.variant) ? entry.variant : null;
  }

  /** Keeps the answers that were found out: what the fixed table had to choose is tuned the next time. */
  add(answers: readonly Answer[], effort: Effort): void {
    for (const { question, variant, isMeasured } of answers) {
      if (!isMeasured) continue;
      this.#entries.set(questionKey(question), {
        variant,
        among: comparedVariants(question, effort),
        kernels: kernelsOf(question),
        effort,
      });
    }
  }

  /**
   * Writes the file, whole or not at all: of two processes the last wins.
   *
   * @throws {Error} If it cannot be written; this process does without it from then on.
   */
  async save(): Promise<void> {
    if (this.path === null || !this.#isWritten) return;
    const entries = Object.fromEntries([...this.#entries].sort(([a], [b]) => a < b ? -1 : 1));
    const text = JSON.stringify({ ...this.#owner, entries }, undefined, 2);
    try {
      await Deno.mkdir(dirname(this.path), { recursive: true });
      await writeFileAtomic(this.path, `${text}\n`);
    } catch (cause) {
      this.#keepUnwritten();
      throw new Error(`the choice of kernels is not kept: ${messageOf(cause)}`, { cause });
    }
  }
}
