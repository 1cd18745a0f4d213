import { join } from "node:path";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { Model } from "../../lib/models/model.ts";
import { type ModelOptions, openModel } from "../../lib/models/open_model.ts";
import { kindOf, resolveRun } from "../../lib/train/find_run.ts";
import { RUN_FILES } from "../../lib/train/run_folder.ts";
import { say } from "../command_line/screen.ts";

/** Where weights were found. */
export interface FoundWeights {
  /** The file. */
  readonly file: string;
  /** The folder of the run that they are of, `null` for a file that was named itself. */
  readonly run: string | null;
}

/**
 * Finds the weights of a run, or a weights file.
 *
 * @param nameOrPath A run's name under `logs`, a folder, or a file.
 * @throws {RangeError} If there is no such run, or it has no weights.
 */
export async function findWeights(
  nameOrPath: string,
  { logs }: { logs: string },
): Promise<FoundWeights> {
  const { kind, path } = await resolveRun(nameOrPath, { logs, allowFile: true });
  if (kind === "file") return { file: path, run: null };
  const file = join(path, RUN_FILES.last);
  if (await kindOf(file) === "file") return { file, run: path };
  throw new RangeError(`Cannot use run ${path}: wanted ${RUN_FILES.last} in it, found none`);
}

/** Words a note on a file of weights. */
export function noteOf(path: string, note: string): string {
  return `${path}: ${note}`;
}

/**
 * Opens weights and says which part of a file was taken.
 *
 * @param weights Where they are.
 * @param options As for {@linkcode openModel}; `take` is empty for the network, and has no say in a run's weights,
 * which are those of one network.
 */
export async function openWeights(
  gpu: Gpu,
  { file, run }: FoundWeights,
  { take, ...options }: ModelOptions & { take: string },
): Promise<Model> {
  return await openModel(gpu, file, {
    ...options,
    take: run === null && take !== "" ? take : undefined,
    onNote: (note) => say(noteOf(file, note)),
  });
}

/**
 * Opens the teacher that the settings name.
 *
 * @param options.teacher_id A run's name, a folder or a file; empty for none.
 * @param options.take The part of a file to take; empty for the network.
 * @param options.classes The classes that the teacher must tell apart. Default: any.
 * @returns The teacher, `null` where none is asked for.
 * @throws {TypeError} If it is for other classes.
 */
export async function openTeacher(
  gpu: Gpu,
  { teacher_id, logs, take, classes }: {
    teacher_id: string;
    logs: string;
    take: string;
    classes?: number;
  },
): Promise<Model | null> {
  if (teacher_id === "") return null;
  const teacher = await openWeights(gpu, await findWeights(teacher_id, { logs }), { take });
  if (classes !== undefined && teacher.classes !== classes) {
    throw new TypeError(
      `Cannot learn from teacher ${teacher_id}: it must tell ${classes} classes apart, found ${teacher.classes}`,
    );
  }
  return teacher;
}
