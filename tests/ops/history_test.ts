import assert from "node:assert/strict";
import { StepValues } from "../../lib/gpu/step_values.ts";
import { appendHistory, HISTORY_COLUMNS } from "../../lib/ops/history.ts";
import { testGpu } from "../support/gpu.ts";

Deno.test("appendHistory: a row for each step, in the order of the columns", async () => {
  const gpu = await testGpu();
  using step = new StepValues(gpu, ["other", "row"]);
  const table = gpu.zeros([3, HISTORY_COLUMNS]);
  const wanted = Array.from({ length: HISTORY_COLUMNS }, (_, column) => column + 1);
  const scalars = wanted.map((value) => gpu.tensor([value], []));
  for (const [row, count] of [[2, HISTORY_COLUMNS], [0, 2]] as const) {
    step.setInteger("other", 1);
    step.setInteger("row", row);
    step.upload();
    appendHistory(table, scalars.slice(0, count), { row: step.at("row") });
  }
  const found = [...await table.read()];
  assert.deepEqual(found.slice(0, 2), [1, 2]);
  assert.ok(found.slice(8, 2 * HISTORY_COLUMNS).every((value) => value === 0));
  assert.deepEqual(found.slice(2 * HISTORY_COLUMNS), wanted);
});

Deno.test("appendHistory: refuses what does not fit", async () => {
  const gpu = await testGpu();
  using step = new StepValues(gpu, ["row"]);
  const row = step.at("row");
  const table = gpu.zeros([3, HISTORY_COLUMNS]);
  const scalar = gpu.constant(1);
  assert.throws(() => appendHistory(gpu.zeros([3, 7], { label: "t" }), [scalar], { row }), {
    name: "TypeError",
    message: "Cannot keep a history: t must be [3, 24], found [3, 7]",
  });
  assert.throws(() => appendHistory(table, [], { row }), {
    name: "RangeError",
    message: "Cannot keep a history: wanted 1 to 24 scalars, found 0",
  });
  const tooMany = Array.from({ length: HISTORY_COLUMNS + 1 }, () => scalar);
  assert.throws(() => appendHistory(table, tooMany, { row }), {
    name: "RangeError",
    message: "Cannot keep a history: wanted 1 to 24 scalars, found 25",
  });
});
