import assert from "node:assert/strict";
import { readTable } from "../../../tasks/table/table_files.ts";
import { parseTable, type TableRequest } from "../../../tasks/table/table_options.ts";
import { planTable, type TablePlan, wantGiven } from "../../../tasks/table/table_plan.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { writeTinyTables } from "../../support/tiny_tables.ts";

function requestOf(argv: readonly string[]): TableRequest {
  const command = parseTable(argv);
  assert.ok(command.kind !== "print");
  return command.request;
}

/** Plans a tiny table. */
async function plan(...argv: string[]): Promise<TablePlan> {
  await using folder = await tempFolder();
  await writeTinyTables(folder.path);
  const request = requestOf(argv);
  return planTable(await readTable(request.table, { folder: folder.path }), request);
}

const names = ({ runs }: TablePlan) => runs.map(({ name }) => name);

/** A setting of a run, by its name. */
function setting(settings: object | undefined, name: string): unknown {
  return settings === undefined ? undefined : Reflect.get(settings, name);
}

Deno.test("planTable: each run once, teachers first, and all rows' first seed before the second", async () => {
  const whole = await plan("1");
  assert.deepEqual(names(whole), [
    "table1_alone_seed0",
    "table1_taught_seed0",
    "table1_taught_seed1",
  ]);
  const [alone, ...taught] = whole.runs;
  for (const [seed, run] of taught.entries()) {
    assert.equal(run.teacher?.name, alone?.name);
    assert.equal(setting(run.settings, "teacher_id"), alone?.name);
    assert.deepEqual([run.settings.seed, run.settings.save], [seed, run.name]);
  }
  assert.deepEqual([whole.name, whole.isRehearsal], ["table1", false]);
  assert.deepEqual(whole.rows.map(({ row, runs }) => [row.name, runs.length]), [
    ["taught", 2],
    ["alone", 1],
  ]);
});

Deno.test("planTable: rows and seeds choose runs, and leave the rows of the result", async () => {
  assert.deepEqual(names(await plan("1", "--rows=alone")), ["table1_alone_seed0"]);
  const one = await plan("1", "--rows=taught", "--seeds=1");
  assert.deepEqual(names(one), ["table1_alone_seed0", "table1_taught_seed0"]);
  assert.equal(one.rows.length, 2);
  await assert.rejects(
    plan("1", "--rows=tought"),
    /expected one of taught, alone; the nearest is taught$/,
  );
});

Deno.test("planTable: another table's row has that table's runs", async () => {
  assert.deepEqual(names(await plan("2")), ["table1_alone_seed0", "table1_taught_seed0"]);
});

Deno.test("planTable: what departs from the rows is part of the names", async () => {
  const changed = await plan(
    "1",
    "--dataset=CIFAR10",
    "--train_images=8",
    "--epochs=8",
    "--seeds=1",
  );
  const suffix = "_CIFAR10_8images_8epochs";
  assert.deepEqual(names(changed), [
    `table1_alone${suffix}_seed0`,
    `table1_taught${suffix}_seed0`,
  ]);
  assert.deepEqual([changed.name, changed.isRehearsal], [`table1${suffix}`, true]);
  for (const { settings } of changed.runs) {
    assert.deepEqual([settings.epochs, settings.epoch_step], [8, [5]]);
    assert.deepEqual(["dataset", "train_images"].map((name) => setting(settings, name)), [
      "CIFAR10",
      8,
    ]);
  }
  const usual = await plan("1", "--dataset=shapes", "--epochs=4");
  assert.deepEqual([usual.name, usual.isRehearsal], ["table1", false]);
});

Deno.test("planTable: drops of the learning rate stay apart in a short run", async () => {
  const request = requestOf(["cifar100", "--epochs=2"]);
  const { runs } = planTable(await readTable("cifar100"), request);
  assert.deepEqual(runs[0]?.settings.epoch_step, [2, 3, 4]);
  const half = planTable(await readTable("cifar100"), requestOf(["cifar100", "--epochs=120"]));
  assert.deepEqual(half.runs[0]?.settings.epoch_step, [76, 91, 106]);
});

Deno.test("planTable: files of the user's are filled in, and missed", async () => {
  const table = await readTable("table5");
  const some = planTable(table, requestOf(["5", "--imagenetpath=/photos", "--seeds=1"]));
  assert.throws(
    () => wantGiven(some),
    /^UsageError: Cannot train table5\/resnet_18_at: expected --teacher_params, found none$/,
  );
  const argv = [
    "5",
    "--imagenetpath=/photos",
    "--teacher_params=a.hkl",
    "--seeds=1",
    "--epochs=10",
  ];
  const all = planTable(table, requestOf(argv));
  wantGiven(all);
  const at = all.runs.find(({ name }) => name === "table5_resnet_18_at_10epochs_seed0")?.settings;
  assert.deepEqual(
    ["imagenetpath", "teacher_params", "beta_from_epoch"].map((name) => setting(at, name)),
    [
      "/photos",
      "a.hkl",
      7,
    ],
  );
  wantGiven(planTable(table, requestOf(["5", "--imagenetpath=/photos", "--rows=resnet_18"])));
});

Deno.test("planTable: only tables of CIFAR can be rehearsed on another set", async () => {
  const table = await readTable("table5");
  for (const flag of ["--dataset=shapes", "--train_images=10"]) {
    const request = requestOf(["5", flag]);
    assert.throws(
      () => planTable(table, request),
      /expected a row of deno task cifar, found one of deno task imagenet/,
    );
  }
});
