import type { Gpu } from "../../lib/gpu/device.ts";
import { fixedInFineTuning } from "../../lib/models/fine_tuning.ts";
import { foldedResNet } from "../../lib/models/folded_resnet.ts";
import { resNetBlocks, resNetWidths } from "../../lib/models/resnet_sizes.ts";
import type { Networks } from "../../lib/train/run_kind.ts";
import type { RunSettings } from "../../lib/train/settings/run_settings.ts";
import type { CifarSettings, DatasetName } from "../../lib/train/settings/cifar_settings.ts";
import { CIFAR_TASK, makeNetwork } from "../training/cifar_task.ts";
import { FINETUNE_TASK } from "../training/finetune_task.ts";
import { IMAGENET_TASK } from "../training/imagenet_task.ts";
import { type RunTask, runTask } from "../training/run_task.ts";
import { type MakeOnce, randomImages, type SetSizes, type TableTask } from "./table_task.ts";

/** What is known of a set without a look at it. */
interface KnownSet extends SetSizes {
  /** Its classes. */
  readonly classes: number;
  /** The side of its images, in pixels. */
  readonly side: number;
}

/** What a task does its own way in a table. */
interface OwnRuns<Settings extends RunSettings> {
  /** The setting that names the teacher. */
  readonly teacher: string;
  /** The images of a step that a software adapter times in a bearable time. */
  readonly fewImages: number;
  /** What the set of the run holds. */
  readonly set: (settings: Settings) => KnownSet;
  /**
   * Makes the networks with random weights.
   *
   * @param options.taught How the teacher would be trained, `null` where none is.
   * @param options.hasTeacher Whether there is one, trained or from a file.
   * @param options.once Makes each network.
   */
  readonly networks: (
    gpu: Gpu,
    settings: Settings,
    options: { classes: number; taught: Settings | null; hasTeacher: boolean; once: MakeOnce },
  ) => Promise<Networks>;
}

function runsOf<Settings extends RunSettings>(
  task: RunTask<Settings>,
  { teacher, fewImages, set, networks }: OwnRuns<Settings>,
): TableTask {
  const own = (settings: RunSettings) => task.readSettings(settings, settings.save);
  return {
    defaults: task.defaults,
    teacher,
    fewImages,
    read: (settings, source) => task.readSettings({ ...task.defaults, ...settings }, source),
    start: (settings, { goesOn, ...tuning }) =>
      runTask({ ...task, goesOn }, { kind: "train", settings: own(settings), ...tuning }),
    resume(settings, { goesOn, ...tuning }) {
      const { save: run, logs } = settings;
      // The settings are those of the run but for where things are.
      const resumption = { kind: "resume", run, logs, changes: own(settings), ...tuning } as const;
      return runTask({ ...task, goesOn }, resumption);
    },
    sizes: (settings) => set(own(settings)),
    async sample(gpu, settings, { teacher: taught, images, once }) {
      const given = own(settings);
      const { classes, side } = set(given);
      const made = await networks(gpu, given, {
        classes,
        taught: taught === null ? null : own(taught),
        hasTeacher: taught !== null || Reflect.get(given, teacher) !== "",
        once,
      });
      return {
        ...made,
        data: randomImages("random images", { count: images, size: side, classes }),
        options: { ...task.kind.stepOptions(given, made), batchSize: images },
      };
    },
  };
}

const CIFAR_SETS: Readonly<Record<DatasetName, KnownSet>> = {
  CIFAR10: { classes: 10, side: 32, train: 50_000, test: 10_000 },
  CIFAR100: { classes: 100, side: 32, train: 50_000, test: 10_000 },
  shapes: { classes: 10, side: 32, train: 1000, test: 500 },
};

/** Runs of `deno task cifar`. */
export const CIFAR_RUNS: TableTask = runsOf(CIFAR_TASK, {
  teacher: "teacher_id",
  fewImages: 8,
  set({ dataset, train_images }) {
    const known = CIFAR_SETS[dataset];
    return { ...known, train: train_images ?? known.train };
  },
  networks(gpu, settings, { classes, taught, once }) {
    const network = (settings: CifarSettings) => {
      const { model, depth, width, no_bn, no_pool_relu } = settings;
      const key = JSON.stringify([model, depth, width, no_bn, no_pool_relu, classes]);
      return once(key, () => makeNetwork(gpu, settings, { classes }));
    };
    return Promise.resolve({
      model: network(settings),
      teacher: taught === null ? null : network(taught),
    });
  },
});

/** Runs of `deno task imagenet`; a teacher from a file counts as the published ResNet-34. */
export const IMAGENET_RUNS: TableTask = runsOf(IMAGENET_TASK, {
  teacher: "teacher_params",
  fewImages: 2,
  set: ({ image_size: side }) => ({ classes: 1000, side, train: 1_281_167, test: 50_000 }),
  // No two of its rows have a network in common.
  networks: (gpu, settings, { classes, hasTeacher }) =>
    IMAGENET_TASK.openNetworks(
      gpu,
      { ...settings, teacher_params: "", teacher_random: hasTeacher ? 0 : null },
      { classes, resumed: null },
    ),
});

/**
 * Runs of `deno task finetune`; the network of `--student_params` counts as the published ResNet-18, that of
 * `--teacher_params` as the ResNet-34.
 */
export const FINETUNE_RUNS: TableTask = runsOf(FINETUNE_TASK, {
  teacher: "teacher",
  fewImages: 2,
  set: ({ data, image_size: side }) =>
    data === "--cub"
      ? { classes: 200, side, train: 5994, test: 5794 }
      : { classes: 67, side, train: 5360, test: 1340 },
  networks(gpu, { init, freeze, seed }, { classes, hasTeacher, once }) {
    const resNet = (depth: number) =>
      once(JSON.stringify([depth, classes, freeze]), () =>
        foldedResNet(gpu, {
          blocks: resNetBlocks(depth),
          widths: resNetWidths(1),
          stem: 64,
          classes,
          shortcutBias: depth === 34,
          fixed: fixedInFineTuning({ groups: freeze }),
          seed,
        }));
    const model = resNet(init === "--teacher_params" ? 34 : 18);
    return Promise.resolve({ model, teacher: hasTeacher ? resNet(34) : null });
  },
});
