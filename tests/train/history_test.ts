import assert from "node:assert/strict";
import { Program } from "../../lib/gpu/program.ts";
import { StepValues } from "../../lib/gpu/step_values.ts";
import { History } from "../../lib/train/history.ts";
import { testGpu } from "../support/gpu.ts";

const ROWS = 1024;

/** A program that keeps a number, and what is needed to run it. */
async function keeper() {
  const gpu = await testGpu();
  const history = new History(gpu);
  const step = new StepValues(gpu, ["row"]);
  const number = gpu.tensor([0], []);
  const program = await Program.record(gpu, {
    label: "keep",
    build: () => {
      history.append([number, gpu.constant(5)], step.at("row"));
      return null;
    },
  });
  return {
    history,
    keep(value: number) {
      number.write(new Float32Array([value]));
      step.setInteger("row", history.nextRow());
      step.upload();
      program.run();
    },
  };
}

Deno.test("History: rows come in order, each look takes those since the last", async () => {
  const { history, keep } = await keeper();
  const kept = async () => (await history.take()).map(([first, second]) => [first, second]);
  for (const value of [1, 2, 3]) keep(value);
  assert.equal(history.pending, 3);
  assert.deepEqual(await kept(), [[1, 5], [2, 5], [3, 5]]);
  assert.equal(history.pending, 0);
  keep(4);
  assert.deepEqual(await kept(), [[4, 5]]);
  assert.deepEqual(await kept(), []);
});

Deno.test("History: is full at its last row, and empty again once it was taken", async () => {
  const { history, keep } = await keeper();
  for (let value = 0; value < ROWS; value++) {
    assert.equal(history.isFull, false, `${value}`);
    keep(value);
  }
  assert.deepEqual([history.isFull, history.pending], [true, ROWS]);
  const values = (await history.take()).map(([first]) => first);
  assert.deepEqual(values, Array.from({ length: ROWS }, (_, at) => at));
  assert.equal(history.isFull, false);
});
