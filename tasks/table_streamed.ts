import type { Gpu } from "../lib/gpu/device.ts";
import { fixedInFineTuning } from "../lib/models/fine_tuning.ts";
import { foldedResNet } from "../lib/models/folded_resnet.ts";
import { resNetBlocks, resNetWidths } from "../lib/models/resnet_sizes.ts";
import type { Networks } from "../lib/train/run_kind.ts";
import type { RunSettings } from "../lib/train/run_settings.ts";
import type { StreamedSettings } from "../lib/train/streamed_settings.ts";
import { FINETUNE_TASK } from "./finetune_task.ts";
import { IMAGENET_TASK } from "./imagenet_task.ts";
import { runStreamed, type StreamedTask } from "./streamed_run.ts";
import { randomImages, type SetSizes, type TableTask } from "./table_task.ts";

/** What a streamed task does its own way in a table. */
interface StreamedRuns<Settings extends StreamedSettings> {
  /** The setting that names the teacher. */
  readonly teacher: string;
  /** What the set of the run holds. */
  readonly set: (settings: Settings) => SetSizes & { readonly classes: number };
  /** Makes the networks with random weights. */
  readonly networks: (
    gpu: Gpu,
    settings: Settings,
    options: { classes: number; hasTeacher: boolean },
  ) => Promise<Networks>;
}

function runsOf<Settings extends StreamedSettings>(
  task: StreamedTask<Settings>,
  { teacher, set, networks }: StreamedRuns<Settings>,
): TableTask {
  const own = (settings: RunSettings) => task.readSettings(settings, settings.save);
  return {
    defaults: task.defaults,
    teacher,
    fewImages: 2,
    read: (settings, source) => task.readSettings({ ...task.defaults, ...settings }, source),
    start: (settings, { goesOn, autotune }) =>
      runStreamed({ ...task, goesOn }, { kind: "train", settings: own(settings), autotune }),
    resume(settings, { goesOn, autotune }) {
      const { save: run, logs } = settings;
      // The settings are those of the run but for where things are.
      const resumption = { kind: "resume", run, logs, changes: own(settings), autotune } as const;
      return runStreamed({ ...task, goesOn }, resumption);
    },
    sizes: (settings) => set(own(settings)),
    async sample(gpu, settings, { teacher: taught, images }) {
      const given = own(settings);
      const { classes } = set(given);
      const hasTeacher = taught !== null || Reflect.get(given, teacher) !== "";
      const made = await networks(gpu, given, { classes, hasTeacher });
      return {
        ...made,
        data: randomImages("random images", { count: images, size: given.image_size, classes }),
        options: { ...task.kind.stepOptions(given, made), batchSize: images },
      };
    },
  };
}

/** Runs of `deno task imagenet`; a teacher from a file counts as the published ResNet-34. */
export const IMAGENET_RUNS: TableTask = runsOf(IMAGENET_TASK, {
  teacher: "teacher_params",
  set: () => ({ classes: 1000, train: 1_281_167, test: 50_000 }),
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
  set: ({ data }) =>
    data === "--cub"
      ? { classes: 200, train: 5994, test: 5794 }
      : { classes: 67, train: 5360, test: 1340 },
  networks(gpu, { init, freeze, seed }, { classes, hasTeacher }) {
    const resNet = (depth: number) =>
      foldedResNet(gpu, {
        blocks: resNetBlocks(depth),
        widths: resNetWidths(1),
        stem: 64,
        classes,
        shortcutBias: depth === 34,
        fixed: fixedInFineTuning({ groups: freeze }),
        seed,
      });
    const model = resNet(init === "--teacher_params" ? 34 : 18);
    return Promise.resolve({ model, teacher: hasTeacher ? resNet(34) : null });
  },
});
