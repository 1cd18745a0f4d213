import { GPU_RULES } from "../../lib/train/settings/run_rules.ts";
import { checkRules } from "../../lib/train/settings/rules.ts";
import { UsageError } from "../command_line/flags.ts";
import { shellWord } from "../command_line/shell_word.ts";

/** What a command line may say of the processes that train together. */
export interface LaunchFlags {
  /** Number of GPUs, each with a process (rank) of its own. */
  ngpu: number;
  /** The GPUs by their numbers, such as `0,1`. */
  gpu_id: string;
  /** Whether there may be more ranks than cores. */
  oversubscribe: boolean;
  /** Whether ranks may share a GPU. */
  share_gpu: boolean;
  /** Whether a software adapter will do on a machine with a card. */
  allow_software: boolean;
  /** The full path of MPI's library. */
  mpi_library: string;
}

/** Those of them that were given. */
export type LaunchRequest = Readonly<Partial<LaunchFlags>>;

/** The names of the flags that a launcher reads, each of which may be given beside `--resume` too. */
export const LAUNCH_FLAGS = [
  "ngpu",
  "gpu_id",
  "oversubscribe",
  "share_gpu",
  "allow_software",
  "mpi_library",
] as const;

const GPU_DEFAULTS = { ngpu: 1, gpu_id: "0" };

/**
 * Checks the flags that say which GPUs train.
 *
 * @param request The flags.
 * @throws {UsageError} If one has a wrong value.
 */
export function checkGpus(
  { ngpu = GPU_DEFAULTS.ngpu, gpu_id = GPU_DEFAULTS.gpu_id }: LaunchRequest,
): void {
  try {
    checkRules({ ngpu, gpu_id }, { rules: GPU_RULES, defaults: GPU_DEFAULTS });
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
}

/** Picks out what was given of them; where it is nothing, what is spread into an object adds nothing. */
export function launchOf(given: LaunchRequest): { launch?: LaunchRequest } {
  const launch = Object.fromEntries(
    LAUNCH_FLAGS.flatMap((name) => given[name] === undefined ? [] : [[name, given[name]]]),
  );
  return Object.keys(launch).length === 0 ? {} : { launch };
}

/**
 * Words what was given of them, as a shell takes it.
 *
 * @param request The flags.
 * @returns The words, in the order of {@link LAUNCH_FLAGS}.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(launchWords({ share_gpu: true, ngpu: 2 }), ["--ngpu", "2", "--share_gpu"]);
 * ```
 */
export function launchWords(request: LaunchRequest): string[] {
  return LAUNCH_FLAGS.flatMap((name) => {
    const value = request[name];
    if (value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}`, shellWord(`${value}`)];
  });
}

/**
 * Reads which GPUs are asked for.
 *
 * @param request The flags.
 * @param count How many are needed on this machine.
 * @returns Their numbers, `null` where none were named.
 * @throws {UsageError} If there are fewer, or the same twice without `--share_gpu`.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(gpusOf({ gpu_id: "1,0" }, 2), [1, 0]);
 * assert.equal(gpusOf({}, 2), null);
 * assert.throws(() => gpusOf({ gpu_id: "0" }, 2), /--gpu_id must name 2/);
 * ```
 */
export function gpusOf(
  { gpu_id, share_gpu = false }: LaunchRequest,
  count: number,
): readonly number[] | null {
  if (gpu_id === undefined) return null;
  const ids = gpu_id.split(",").map(Number).slice(0, count);
  if (ids.length < count) {
    throw new UsageError(
      `Cannot give ${count} ranks a GPU each: --gpu_id must name ${count}, found ${gpu_id}`,
    );
  }
  if (!share_gpu && new Set(ids).size < ids.length) {
    throw new UsageError(
      `Cannot give ${count} ranks a GPU each: --gpu_id must name different ones, found ${gpu_id}; ` +
        "--share_gpu allows it",
    );
  }
  return ids;
}
