import assert from "node:assert/strict";
import type { FinishedStep } from "../../lib/train/fit.ts";
import type { TrainingState } from "../../tasks/progress.ts";
import { trainingView } from "../../tasks/training_view.ts";
import { tinySet } from "../support/tiny.ts";

function step(number: number, { epoch, seconds = 0.5 }: { epoch: number; seconds?: number }) {
  const numbers = { step: number, epoch, rate: 0.1, images: 4, seconds, right: 1 };
  return { ...numbers, loss: 2 + number / 10, attention: [] } satisfies FinishedStep;
}

/** What a view of 10 images in batches of 4, three epochs of three steps, shows. */
function shown(
  finished: readonly FinishedStep[],
  max_steps: number | null = null,
): TrainingState[] {
  const states: TrainingState[] = [];
  const view = trainingView(
    {
      update: (state) => void states.push(state),
      note: () => {},
      done: () => {},
      [Symbol.dispose]: () => {},
    },
    { settings: { epochs: 3, batch_size: 4, max_steps }, data: tinySet({ train: 10, test: 1 }) },
  );
  view.onSteps(finished);
  return states;
}

Deno.test("trainingView: shows the last step, the speed of all and the time to the end", () => {
  const finished = [step(3, { epoch: 2, seconds: 0.25 }), step(4, { epoch: 2, seconds: 0.75 })];
  assert.deepEqual(shown(finished), [{
    epoch: 2,
    epochs: 3,
    step: 2,
    steps: 3,
    imagesPerSecond: 8,
    loss: 2.4,
    learningRate: 0.1,
    secondsLeft: 4 * 0.5,
  }]);
});

Deno.test("trainingView: the last step of an epoch, and of the run", () => {
  const [end] = shown([step(8, { epoch: 3 })]);
  assert.deepEqual([end?.step, end?.steps, end?.secondsLeft], [3, 3, 0]);
});

Deno.test("trainingView: a bound of steps brings the end nearer, but not further", () => {
  assert.equal(shown([step(4, { epoch: 2 })], 6)[0]?.secondsLeft, 0.5);
  assert.equal(shown([step(4, { epoch: 2 })], 600)[0]?.secondsLeft, 2);
});

Deno.test("trainingView: nothing to show without steps", () => {
  assert.deepEqual(shown([]), []);
});
