/**
 * Trains a small teacher on the built-in shapes, then the same student on a hundred of them, alone and with
 * attention transfer, and prints a table: `deno task quickstart`.
 *
 * @module
 */
import { shapes } from "../data/shapes.ts";
import { Gpu } from "../lib/gpu/device.ts";
import { transferTerms } from "../lib/losses/transfer_terms.ts";
import type { Model } from "../lib/models/model.ts";
import { wideResNet } from "../lib/models/wide_resnet.ts";
import { groupWidths } from "../lib/models/wide_resnet_sizes.ts";
import { evaluate } from "../lib/train/evaluate.ts";
import { fit } from "../lib/train/fit.ts";
import { parseFlags, runCommand } from "./command_line/options.ts";
import { print, say } from "./command_line/screen.ts";
import { createProgress, createTuningProgress } from "./command_line/progress.ts";
import { alignTable } from "./command_line/align_table.ts";
import { nameAdapter, wantCard } from "./launch/hidden_card.ts";
import { OUTSIDE_FLAGS } from "./training/run_flags.ts";
import { trainingView } from "./training/training_view.ts";

/** Height and width of the images: of small ones a software adapter trains three times as many a second. */
const SIZE = 16;
const TEST_IMAGES = 1000;
const AUGMENT = { padding: 2, flips: true };
const DEPTH = 10;
const TEACHER_WIDTH = 1;
const STUDENT_WIDTH = 0.5;
const TEACHER = { images: 2500, batchSize: 25, epochs: 5, learningRate: 0.05, dropEpochs: [4, 5] };
/** So few images do not say what counts in them: a student needs a teacher that knows where to look. */
const STUDENT = {
  images: 100,
  batchSize: 20,
  epochs: 45,
  learningRate: 0.06,
  dropEpochs: [32, 41],
};
/** A tenth of the paper's: maps of 16x16 and less have fewer positions, over which the loss is a mean. */
const BETA = 100;
/** The part of the whole time that the teacher takes on a software adapter. */
const TEACHER_SHARE = 0.65;
const LOG_EVERY = 10;
const FLAGS = { allow_software: OUTSIDE_FLAGS.allow_software };
const TEXT = {
  name: "deno task quickstart",
  about: "Trains a teacher, a student alone and with attention transfer on the built-in shapes.",
  closing: "",
};
const SEED = 0;

type Course = typeof TEACHER;

interface Row {
  readonly network: string;
  readonly images: number;
  readonly parameters: number;
  readonly accuracy: number;
  readonly seconds: number;
}

async function train(
  network: string,
  { model, course, teacher }: { model: Model; course: Course; teacher: Model | null },
): Promise<Row> {
  const { images, ...schedule } = course;
  const { epochs, batchSize } = schedule;
  const began = performance.now();
  using tuning = createTuningProgress();
  using progress = createProgress();
  progress.note(`${network}: ${model.name}, ${epochs} epochs of ${images} images`);
  // fit tests after each epoch: a batch is enough there, since only the end counts.
  const data = shapes({ size: SIZE, train: images, test: batchSize });
  const settings = { epochs, batch_size: batchSize, max_steps: null };
  const view = trainingView(progress, { settings, data });
  await fit(model, {
    data,
    augment: AUGMENT,
    teacher,
    objective: transferTerms({ beta: teacher === null ? 0 : BETA }),
    ...schedule,
    seed: SEED,
    logEvery: LOG_EVERY,
    onTuning: (state) => tuning.update(state),
    onVariants: () => {
      tuning.done();
      progress.note("compiling kernels, which takes longer on the first run");
    },
    // The first steps waited for kernels: they say nothing of the time that is left.
    onProgress: (landed) => {
      if (landed.last.step > 0) view.onProgress(landed);
    },
    onSteps: (steps) => {
      view.onSteps(steps);
      if (course === TEACHER && steps[0]?.step === LOG_EVERY) {
        const seconds = secondsInAll(course, { steps, share: TEACHER_SHARE });
        progress.note(`about ${seconds.toFixed(0)} s for all three networks`);
      }
    },
  });
  progress.done();
  const test = { data: shapes({ size: SIZE, train: 1, test: TEST_IMAGES }), batchSize };
  const { accuracy } = await evaluate(model, test);
  const seconds = (performance.now() - began) / 1000;
  const parameters = model.parameters.count({ statistics: true });
  progress.note(`${network}: ${accuracy.toFixed(1)} % after ${seconds.toFixed(0)} s`);
  return { network, images, parameters, accuracy, seconds };
}

/**
 * Estimates what all trainings take from some steps of the first.
 *
 * @param course How the first network is trained.
 * @param options The steps, with their wall times in seconds, and the first training's share of the whole.
 * @returns Seconds.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const course = { images: 50, batchSize: 10, epochs: 4 };
 * assert.equal(secondsInAll(course, { steps: [{ seconds: 1 }, { seconds: 3 }], share: 0.5 }), 80);
 * ```
 */
export function secondsInAll(
  course: Pick<Course, "images" | "batchSize" | "epochs">,
  { steps, share }: { steps: readonly { readonly seconds: number }[]; share: number },
): number {
  const mean = steps.reduce((sum, { seconds }) => sum + seconds, 0) / steps.length;
  return course.epochs * Math.ceil(course.images / course.batchSize) * mean / share;
}

function table(rows: readonly Row[]): string {
  const lines = [
    ["network", "images", "parameters", "test accuracy", "time"],
    ...rows.map(({ network, images, parameters, accuracy, seconds }) => [
      network,
      images.toLocaleString("en"),
      parameters.toLocaleString("en"),
      `${accuracy.toFixed(1)} %`,
      `${seconds.toFixed(0)} s`,
    ]),
  ];
  return alignTable(lines, { right: [1, 2, 3, 4] }).join("\n");
}

if (import.meta.main) {
  await runCommand(async (argv) => {
    const parsed = parseFlags(argv, { flags: FLAGS, text: TEXT });
    if (parsed.kind === "print") {
      print(parsed.text.trimEnd());
      return 0;
    }
    await wantCard(parsed.given);
    using gpu = await Gpu.open();
    const { classes } = shapes({ size: SIZE, train: 1, test: 1 });
    const network = (width: number, seed: number) =>
      wideResNet(gpu, { depth: DEPTH, widths: groupWidths(width), classes, seed });
    using teacher = network(TEACHER_WIDTH, SEED);
    using alone = network(STUDENT_WIDTH, SEED + 1);
    using taught = network(STUDENT_WIDTH, SEED + 1);
    say(`Pupil on ${nameAdapter(gpu.adapter)}`);
    const rows = [
      await train("teacher", { model: teacher, course: TEACHER, teacher: null }),
      await train("student", { model: alone, course: STUDENT, teacher: null }),
      await train("student with attention transfer", { model: taught, course: STUDENT, teacher }),
    ];
    print(table(rows));
    return 0;
  });
}
