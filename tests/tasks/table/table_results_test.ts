import assert from "node:assert/strict";
import type { PlannedRun, TablePlan } from "../../../tasks/table/table_plan.ts";
import { gatherResults } from "../../../tasks/table/table_results.ts";
import { formatResult } from "../../../tasks/table/table_text.ts";
import { testGpu } from "../../support/gpu.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { TINY, tinyRun } from "../../support/tiny_run.ts";

const RECIPE = { id: "t/a", file: "t/a.json", task: "cifar", teacher: null, settings: {} } as const;

/** Runs whose logs say what they are told to; none where that is nothing. */
async function runsOf(logs: string, accuracies: readonly unknown[][]): Promise<PlannedRun[]> {
  const runs: PlannedRun[] = [];
  for (const [seed, values] of accuracies.entries()) {
    const name = `a_seed${seed}`;
    const settings = { ...TINY, epochs: 1, epoch_step: [2], seed, logs, save: name };
    runs.push({ name, recipe: RECIPE, settings, teacher: null });
    if (values.length === 0) continue;
    await tinyRun(`${logs}/${name}`, { settings });
    const lines = values.map((test_acc, at) => {
      const entry = { epoch: at === values.length - 1 ? 1 : 0, test_acc };
      return `json_stats: ${JSON.stringify({ ...entry, train_time: 1799, test_time: 1 })}\n`;
    });
    await Deno.writeTextFile(`${logs}/${name}/log.txt`, lines.join(""));
  }
  return runs;
}

function planOf(runs: readonly PlannedRun[], { isRehearsal = false } = {}): TablePlan {
  const row = { name: "a", label: "A", recipe: RECIPE, seeds: null, notes: ["Chosen."] };
  const other = { ...row, name: "b", label: "B", paper: { accuracy: 50 }, notes: [] };
  const table = {
    name: "t",
    title: "A table",
    source: "somebody",
    seeds: 5,
    rows: [{ ...row, paper: { error: 10, top5_error: 2.5 } }, other],
    notes: ["For all."],
  };
  const [first] = table.rows;
  assert.ok(first !== undefined);
  return {
    name: "t_2epochs",
    table,
    isRehearsal,
    rows: [{ row: first, runs }, { row: other, runs: [] }],
    runs,
  };
}

const DATE = new Date("2017-02-12T12:00:00Z");

Deno.test("gatherResults: median, spread and difference of the seeds that are finished", async () => {
  await using logs = await tempFolder();
  const runs = await runsOf(logs.path, [
    [[91, 99], [88, 97.5]],
    [[90, 96.5]],
    [[85.5, 96]],
    [],
    [[89, 98], [88.5, 98]],
  ]);
  const result = await gatherResults(planOf(runs), { date: DATE });
  const [error, topFive, none] = result.rows;
  assert.ok(error !== undefined && topFive !== undefined && none !== undefined);
  const { runs: single, ...numbers } = error;
  assert.deepEqual(numbers, {
    row: "a",
    label: "A",
    measure: "error",
    paper: 10,
    median: 11.75,
    lowest: 10,
    highest: 14.5,
    n: 4,
    difference: 1.75,
    best: (10 + 11) / 2,
  });
  assert.deepEqual(single.map(({ run, last, best }) => [run, last, best]), [
    ["a_seed0", 12, 9],
    ["a_seed1", 10, 10],
    ["a_seed2", 14.5, 14.5],
    ["a_seed4", 11.5, 11],
  ]);
  assert.deepEqual([topFive.measure, topFive.median, topFive.best], ["top5_error", 3, 2.75]);
  assert.deepEqual([none.measure, none.n, none.median, none.difference], [
    "accuracy",
    0,
    null,
    null,
  ]);
  assert.deepEqual(result.adapters, [(await testGpu()).adapter.name]);
  assert.deepEqual([result.epochs, result.datasets, result.date], [[1], ["CIFAR10"], "2017-02-12"]);
  assert.deepEqual(result.notes, ["For all.", "A: Chosen."]);
});

Deno.test("formatResult: a table in Markdown, and what it was made with", async () => {
  await using logs = await tempFolder();
  const plan = planOf(await runsOf(logs.path, [[[89, 98]]]));
  const text = formatResult(await gatherResults(plan, { date: DATE }));
  const [heading, , head, rule, ...lines] = text.split("\n");
  assert.equal(heading, "# A table");
  assert.match(
    head ?? "",
    /^\| row \| measure +\| published \| +ours \| lowest \| highest \| +n \| difference \| best epoch \|$/,
  );
  assert.match(rule ?? "", /^\| :-+ \| :-+ \| -+: \| -+: \|/);
  const cells = (line = "") => line.split("|").slice(1, -1).map((cell) => cell.trim());
  assert.deepEqual(lines.slice(0, 3).map(cells), [
    ["A", "test error, %", "10", "11.00", "11.00", "11.00", "1", "+1.00", "11.00"],
    ["A", "top-5 error, %", "2.5", "2.00", "2.00", "2.00", "1", "-0.50", "2.00"],
    ["B", "test accuracy, %", "50", "-", "-", "-", "0", "-", "-"],
  ]);
  assert.match(text, /\n- Adapter: .*, 2017-02-12\.\n/);
  assert.match(text, /\n- Data: CIFAR10; epochs: 1; hours of the runs: 0\.50\.\n/);
  assert.match(text, /\n- For all\.\n- A: Chosen\.\n$/);
  assert.doesNotMatch(text, /rehearsal/);
});

Deno.test("formatResult: a rehearsal says that its numbers do not compare", async () => {
  const result = await gatherResults(planOf([], { isRehearsal: true }), { date: DATE });
  const text = formatResult(result);
  assert.match(text, /^# Rehearsal of A table\n\n.*do not compare with the published ones\.\n/);
  assert.match(text, /Adapter: none yet\./);
});
