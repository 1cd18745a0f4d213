/**
 * Trains a small teacher on the built-in shapes, then the same student alone and with attention transfer, and prints a
 * table: `deno task quickstart`.
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
import type { ImageSet } from "../lib/train/image_set.ts";
import { runCommand } from "./command_line/options.ts";
import { createProgress, createTuningProgress } from "./command_line/progress.ts";
import { alignTable } from "./command_line/align_table.ts";
import { trainingView } from "./training/training_view.ts";

const DEPTH = 10;
const TEACHER_WIDTH = 1;
const STUDENT_WIDTH = 0.5;
const TRAIN_IMAGES = 1000;
const EPOCHS = 8;
const BATCH_SIZE = 25;
const LEARNING_RATE = 0.05;
const DROP_EPOCHS = [6, 8];
/** A tenth of the paper's: in so few epochs a student must learn the labels too. */
const BETA = 100;
const LOG_EVERY = 10;
const SEED = 0;

interface Row {
  readonly network: string;
  readonly parameters: number;
  readonly accuracy: number;
  readonly seconds: number;
}

async function train(
  network: string,
  { model, data, teacher }: { model: Model; data: ImageSet; teacher: Model | null },
): Promise<Row> {
  const began = performance.now();
  using tuning = createTuningProgress();
  using progress = createProgress();
  progress.note(`${network}: ${model.name}, ${EPOCHS} epochs`);
  const settings = { epochs: EPOCHS, batch_size: BATCH_SIZE, max_steps: null };
  const view = trainingView(progress, { settings, data });
  const evaluation = await fit(model, {
    data,
    teacher,
    objective: transferTerms({ beta: teacher === null ? 0 : BETA }),
    epochs: EPOCHS,
    batchSize: BATCH_SIZE,
    learningRate: LEARNING_RATE,
    dropEpochs: DROP_EPOCHS,
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
    parameters: model.parameters.count({ statistics: true }),
    accuracy: evaluation?.accuracy ?? NaN,
    seconds: (performance.now() - began) / 1000,
  };
}

function table(rows: readonly Row[]): string {
  const lines = [
    ["network", "parameters", "test accuracy", "time"],
    ...rows.map(({ network, parameters, accuracy, seconds }) => [
      network,
      parameters.toLocaleString("en"),
      `${accuracy.toFixed(1)} %`,
      `${seconds.toFixed(0)} s`,
    ]),
  ];
  return alignTable(lines, { right: [1, 2, 3] }).join("\n");
}

if (import.meta.main) {
  await runCommand(async () => {
    using gpu = await Gpu.open();
    const data = shapes({ train: TRAIN_IMAGES });
    const network = (width: number, seed: number) =>
      wideResNet(gpu, { depth: DEPTH, widths: groupWidths(width), classes: data.classes, seed });
    using teacher = network(TEACHER_WIDTH, SEED);
    using alone = network(STUDENT_WIDTH, SEED + 1);
    using taught = network(STUDENT_WIDTH, SEED + 1);
    console.error(`Pupil on ${gpu.adapter.name}`);
    const rows = [
      await train("teacher", { model: teacher, data, teacher: null }),
      await train("student", { model: alone, data, teacher: null }),
      await train("student with attention transfer", { model: taught, data, teacher }),
    ];
    console.log(table(rows));
    return 0;
  });
}
