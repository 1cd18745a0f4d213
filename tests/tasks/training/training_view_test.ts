import assert from "node:assert/strict";
import type { FinishedStep } from "../../../lib/train/fit.ts";
import type { Landed } from "../../../lib/train/flight.ts";
import type { TrainingState } from "../../../tasks/command_line/progress.ts";
import { trainingView } from "../../../tasks/training/training_view.ts";
import { tinySet } from "../../support/tiny.ts";

function landed(step: number, { epoch, steps = 1 }: { epoch: number; steps?: number }): Landed {
  const last = { step, epoch, rate: 0.1, images: 4 };
  return { last, steps, images: 4 * steps, seconds: 0.5 * steps };
}

function finished(step: number): FinishedStep {
  const numbers = { step, epoch: 1, rate: 0.1, images: 4, seconds: 0.5, right: 1 };
  return { ...numbers, loss: 2 + step / 10, losses: {} };
}

/** What a view of 10 images in batches of 4, three epochs of three steps, shows and notes. */
function told(
  { known = [], progress, max_steps = null }: {
    known?: readonly FinishedStep[];
    progress: Landed;
    max_steps?: number | null;
  },
) {
  const states: TrainingState[] = [];
  const notes: string[] = [];
  const view = trainingView(
    {
      update: (state) => void states.push(state),
      note: (line) => void notes.push(line),
      done: () => {},
      [Symbol.dispose]: () => {},
    },
    { settings: { epochs: 3, batch_size: 4, max_steps }, data: tinySet({ train: 10, test: 1 }) },
  );
  view.onSteps(known);
  assert.equal(states.length, 0);
  view.onProgress(progress);
  return { states, notes };
}

/** The first of what it shows. */
function shown(options: Parameters<typeof told>[0]): TrainingState | undefined {
  return told(options).states[0];
}

Deno.test("trainingView: shows the last step, the speed of all, the loss known last, the time left", () => {
  const state = shown({
    known: [finished(2), finished(3)],
    progress: landed(4, { epoch: 2, steps: 2 }),
  });
  assert.deepEqual(state, {
    epoch: 2,
    epochs: 3,
    step: 2,
    steps: 3,
    imagesPerSecond: 8,
    loss: 2.3,
    learningRate: 0.1,
    secondsLeft: 4 * 0.5,
  });
});

Deno.test("trainingView: the last step of an epoch, and of the run", () => {
  const end = shown({ progress: landed(8, { epoch: 3 }) });
  assert.deepEqual([end?.step, end?.steps, end?.secondsLeft], [3, 3, 0]);
});

Deno.test("trainingView: a bound of steps brings the end nearer, but not further", () => {
  const progress = landed(4, { epoch: 2 });
  assert.equal(shown({ progress, max_steps: 6 })?.secondsLeft, 0.5);
  assert.equal(shown({ progress, max_steps: 600 })?.secondsLeft, 2);
});

Deno.test("trainingView: no loss before the first is known", () => {
  assert.equal(shown({ progress: landed(0, { epoch: 1 }) })?.loss, null);
});

Deno.test("trainingView: steps that were skipped are noted once a fetch, with the first tensor", () => {
  const fault = { ...finished(3), fault: "conv1" };
  const loss = { ...finished(5), loss: NaN, losses: { attention: [1, NaN] }, fault: "loss" };
  const progress = landed(5, { epoch: 2 });
  const { states, notes } = told({ known: [finished(2), fault, finished(4), loss], progress });
  assert.deepEqual(notes, ["step 3 skipped, and 1 after it: conv1 not finite"]);
  assert.equal(states[0]?.loss, NaN);
  assert.deepEqual(told({ known: [loss], progress }).notes, [
    "step 5 skipped: loss NaN, of attention",
  ]);
  assert.deepEqual(told({ known: [finished(2)], progress }).notes, []);
});
