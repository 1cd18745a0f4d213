import { join } from "node:path";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { Model } from "../../lib/models/model.ts";
import { type ModelOptions, openModel } from "../../lib/models/open_model.ts";
import { kindOf, resolveRun } from "../../lib/train/find_run.ts";
import { RUN_FILES } from "../../lib/train/run_folder.ts";
import { say } from "../command_line/screen.ts";

/**
 * Finds the weights of a run, or a weights file.
 *
 * @param nameOrPath A run's name under `logs`, a folder, or a file.
 * @throws {RangeError} If there is no such run, or it has no weights.
 */
export async function findWeights(nameOrPath: string, { logs }: { logs: string }): Promise<string> {
  const { kind, path } = await resolveRun(nameOrPath, { logs, allowFile: true });
  if (kind === "file") return path;
  const file = join(path, RUN_FILES.last);
  if (await kindOf(file) === "file") return file;
  throw new RangeError(`Cannot use run ${path}: wanted ${RUN_FILES.last} in it, found none`);
}

/** Words a note on a file of weights. */
export function noteOf(path: string, note: string): string {
  return `${path}: ${note}`;
}

/**
 * Opens a file of weights and says which part of it was taken.
 *
 * @param path The file.
 * @param options As for {@linkcode openModel}.
 */
export async function openWeights(
  gpu: Gpu,
  path: string,
  options: ModelOptions = {},
): Promise<Model> {
  return await openModel(gpu, path, {
    ...options,
    onNote: (note) => say(noteOf(path, note)),
  });
}

/**
 * Opens the teacher that the settings name.
 *
 * @param teacher_id A run's name, a folder or a file; empty for none.
 * @param options.classes The classes that the teacher must tell apart; any unless told.
 * @returns The teacher, `null` where none is asked for.
 * @throws {TypeError} If it is for other classes.
 */
export async function openTeacher(
  gpu: Gpu,
  { teacher_id, logs, classes }: { teacher_id: string; logs: string; classes?: number },
): Promise<Model | null> {
  if (teacher_id === "") return null;
  const path = await findWeights(teacher_id, { logs });
  const teacher = await openWeights(gpu, path);
  if (classes !== undefined && teacher.classes !== classes) {
    throw new TypeError(
      `Cannot learn from teacher ${teacher_id}: it must tell ${classes} classes apart, found ${teacher.classes}`,
    );
  }
  return teacher;
}
