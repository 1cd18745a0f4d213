import { readSettings } from "../lib/train/read_settings.ts";
import { CIFAR_KIND } from "../lib/train/cifar_kind.ts";
import { CIFAR_DEFAULTS, type CifarSettings, type DatasetName } from "../lib/train/settings.ts";
import { makeStudent, resumeRun, startRun } from "./cifar_run.ts";
import { randomImages, type SetSizes, type TableTask } from "./table_task.ts";

/** What the sets hold, known without a look at them. */
const SETS: Readonly<Record<DatasetName, SetSizes & { readonly classes: number }>> = {
  CIFAR10: { classes: 10, train: 50_000, test: 10_000 },
  CIFAR100: { classes: 100, train: 50_000, test: 10_000 },
  shapes: { classes: 10, train: 1000, test: 500 },
};

function own(settings: { save: string }): CifarSettings {
  return readSettings(settings, settings.save);
}

/** Runs of `deno task cifar`. */
export const CIFAR_RUNS: TableTask = {
  defaults: CIFAR_DEFAULTS,
  teacher: "teacher_id",
  fewImages: 32,
  read: (settings, source) => readSettings({ ...CIFAR_DEFAULTS, ...settings }, source),
  start: (settings, { goesOn, ...tuning }) =>
    startRun({ kind: "train", settings: own(settings), ...tuning }, { goesOn }),
  resume(settings, { goesOn, ...tuning }) {
    const { save: run, logs } = settings;
    // The settings are those of the run but for where things are.
    const resumption = { kind: "resume", run, logs, changes: own(settings), ...tuning } as const;
    return resumeRun(resumption, { goesOn });
  },
  sizes(settings) {
    const { dataset, train_images } = own(settings);
    const { train, test } = SETS[dataset];
    return { train: train_images ?? train, test };
  },
  sample(gpu, settings, { teacher: taught, images }) {
    const { dataset } = own(settings);
    const { classes } = SETS[dataset];
    const model = makeStudent(gpu, own(settings), { classes });
    const teacher = taught === null ? null : makeStudent(gpu, own(taught), { classes });
    return Promise.resolve({
      model,
      teacher,
      data: randomImages(dataset, { count: images, size: 32, classes }),
      options: { ...CIFAR_KIND.stepOptions(own(settings), { model, teacher }), batchSize: images },
    });
  },
};
