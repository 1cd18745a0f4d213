import config from "../../deno.json" with { type: "json" };
import { mpiLibraryPaths } from "../../lib/mpi/library_paths.ts";
import { RANK_VARIABLES } from "../../lib/mpi/rank_place.ts";

/** A task whose ranks can train together. */
export type LaunchedTask = "cifar" | "finetune" | "imagenet" | "table";

/** What the command of a rank is made of. */
export interface TaskWordsOptions {
  /** Deno's program. */
  readonly deno: string;
  /** The task's main module. */
  readonly script: string;
  /** The task's arguments. */
  readonly argv: readonly string[];
  /** The value of `LD_LIBRARY_PATH`. */
  readonly libraryPath?: string | undefined;
  /** MPI's library, where it is not to be looked for. */
  readonly library?: string | undefined;
}

/**
 * Gives the command of a task with the permissions that it has in `deno.json` and those that MPI needs.
 *
 * @param task The task.
 * @param options Program, script and arguments.
 * @returns The command's words.
 */
export function taskWords(
  task: LaunchedTask,
  { deno, script, argv, libraryPath, library }: TaskWordsOptions,
): string[] {
  const [, run = "run", ...own] = config.tasks[task].command.split(" ").slice(0, -1);
  const libraries = library === undefined ? mpiLibraryPaths({ libraryPath }) : [library];
  const permissions = own.map((word) =>
    word.startsWith("--allow-env=") ? [word, ...RANK_VARIABLES].join(",") : word
  );
  // Images are decoded with the permission for any library.
  const ffi = own.includes("--allow-ffi") ? [] : [`--allow-ffi=${libraries.join(",")}`];
  return [deno, run, "--quiet", "--no-prompt", ...permissions, ...ffi, script, ...argv];
}
