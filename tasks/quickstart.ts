/**
 * Trains a small teacher on the built-in shapes, then the same student on a sixth of them, alone and with attention
 * transfer, and prints a table: `deno task quickstart`.
 *
 * @module
 */
import { shapes } from "../data/shapes.ts";
import { Gpu } from "../lib/gpu/device.ts";
import { transferTerms } from "../lib/losses/transfer_terms.ts";
import type { Model } from "../lib/models/model.ts";
import { wideResNet } from "../lib/models/wide_resnet.ts";
import { groupWidths } from "../lib/models/wide_resnet_sizes.ts";
import { fit } from "../lib/train/fit.ts";
import { runCommand } from "./command_line/options.ts";
import { print, say } from "./command_line/screen.ts";
import { createProgress, createTuningProgress } from "./command_line/progress.ts";
import { alignTable } from "./command_line/align_table.ts";
import { trainingView } from "./training/training_view.ts";

const DEPTH = 10;
const TEACHER_WIDTH = 1;
const STUDENT_WIDTH = 0.5;
/** The teacher has six times its student's data, so it knows better where to look. */
const TEACHER = { images: 3000, batchSize: 25, epochs: 6, learningRate: 0.05, dropEpochs: [4, 6] };
const STUDENT = { images: 500, batchSize: 10, epochs: 10, learningRate: 0.03, dropEpochs: [6, 9] };
/** Less than a sixth of the paper's: in so few steps a student must learn the labels too. */
const BETA = 150;
const LOG_EVERY = 10;
const SEED = 0;

interface Row {
  readonly network: string;
  readonly images: number;
  readonly parameters: number;
  readonly accuracy: number;
  readonly seconds: number;
}

async function train(
  network: string,
  { model, course, teacher }: { model: Model; course: typeof TEACHER; teacher: Model | null },
): Promise<Row> {
  const { images, ...schedule } = course;
  const data = shapes({ train: images });
  const began = performance.now();
  using tuning = createTuningProgress();
  using progress = createProgress();
  const { epochs, batchSize } = schedule;
  progress.note(`${network}: ${model.name}, ${epochs} epochs of ${images} images`);
  const settings = { epochs, batch_size: batchSize, max_steps: null };
  const view = trainingView(progress, { settings, data });
  const evaluation = await fit(model, {
    data,
    teacher,
    objective: transferTerms({ beta: teacher === null ? 0 : BETA }),
    ...schedule,
    seed: SEED,
    logEvery: LOG_EVERY,
    onTuning: (state) => tuning.update(state),
    onVariants: () => tuning.done(),
    onProgress: (landed) => view.onProgress(landed),
    onSteps: (steps) => view.onSteps(steps),
  });
  progress.done();
  return {
    network,
    images,
    parameters: model.parameters.count({ statistics: true }),
    accuracy: evaluation?.accuracy ?? NaN,
    seconds: (performance.now() - began) / 1000,
  };
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
  await runCommand(async () => {
    using gpu = await Gpu.open();
    const { classes } = shapes({ train: 1 });
    const network = (width: number, seed: number) =>
      wideResNet(gpu, { depth: DEPTH, widths: groupWidths(width), classes, seed });
    using teacher = network(TEACHER_WIDTH, SEED);
    using alone = network(STUDENT_WIDTH, SEED + 1);
    using taught = network(STUDENT_WIDTH, SEED + 1);
    say(`Pupil on ${gpu.adapter.name}`);
    const rows = [
      await train("teacher", { model: teacher, course: TEACHER, teacher: null }),
      await train("student", { model: alone, course: STUDENT, teacher: null }),
      await train("student with attention transfer", { model: taught, course: STUDENT, teacher }),
    ];
    print(table(rows));
    return 0;
  });
}
