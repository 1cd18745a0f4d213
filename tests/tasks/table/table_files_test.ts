import assert from "node:assert/strict";
import { readTable, type Recipe, TABLES } from "../../../tasks/table/table_files.ts";
import { TABLE_NAMES } from "../../../tasks/table/table_flags.ts";
import { filesIn } from "../../data/tar_gz.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { TINY_TABLES, writeTinyTables } from "../../support/tiny_tables.ts";

function* withTeachers(recipe: Recipe): Generator<Recipe> {
  yield recipe;
  if (recipe.teacher !== null) yield* withTeachers(recipe.teacher);
}

Deno.test("readTable: reads every table of the project, and no file is left over", async () => {
  const read = new Set<string>();
  for (const name of TABLE_NAMES.map((name) => /^\d/.test(name) ? `table${name}` : name)) {
    const table = await readTable(name);
    read.add(`${name}/table.json`);
    assert.ok(table.notes.length > 0, `${name} says what was chosen`);
    for (const { name: row, recipe } of table.rows) {
      read.add(`${name}/${row}.json`);
      for (const { id } of withTeachers(recipe)) read.add(`${id}.json`);
    }
  }
  const files = (await filesIn(TABLES)).filter((file) => file.endsWith(".json"));
  assert.deepEqual([...read].sort(), files);
});

Deno.test("readTable: the rows of table 2 are those of the paper, and share their runs with table 1", async () => {
  const { rows, seeds } = await readTable("table2");
  assert.equal(seeds, 5);
  assert.deepEqual(rows.map(({ name, paper }) => [name, paper.error]), [
    ["none", 8.77],
    ["sum", 7.99],
    ["sum2", 7.93],
    ["sum4", 8.09],
    ["max", 8.08],
  ]);
  const { rows: others } = await readTable("table1");
  const id = (row: string) => others.find(({ name }) => name === row)?.recipe.id;
  assert.equal(rows[0]?.recipe.id, id("wrn_16_1"));
  assert.equal(rows[2]?.recipe.id, id("wrn_16_1_at_16_2"));
  assert.deepEqual([...new Set(rows.slice(1).map(({ recipe }) => recipe.teacher?.id))], [
    id("wrn_16_2"),
  ]);
});

Deno.test("readTable: a row takes its fields and its teacher from files", async () => {
  await using folder = await tempFolder();
  await writeTinyTables(folder.path);
  const { rows, notes } = await readTable("table1", { folder: folder.path });
  assert.deepEqual(notes, ["Nothing is published."]);
  const [taught, alone] = rows;
  assert.ok(taught !== undefined && alone !== undefined);
  assert.deepEqual([taught.label, taught.seeds, taught.notes], ["taught", null, [
    "Beta is made up.",
  ]]);
  assert.deepEqual([alone.label, alone.seeds, alone.notes], ["alone", 1, []]);
  assert.deepEqual(taught.paper, { error: 80, accuracy: 20 });
  assert.deepEqual(taught.recipe.teacher, alone.recipe);
  assert.equal(taught.recipe.settings["beta"], 10);
  const [same] = (await readTable("table2", { folder: folder.path })).rows;
  assert.deepEqual(same?.recipe, taught.recipe);
});

/** A row's file with some of its fields otherwise. */
function row(name: "alone" | "taught", fields: object) {
  const file = `table1/${name}.json`;
  return { [file]: { ...Object(TINY_TABLES[file]), ...fields } };
}

function settings(fields: object) {
  const own = { depth: 10, ...fields };
  return row("taught", { settings: own });
}

Deno.test("readTable: names file and field of what is wrong", async () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ "table1/alone.json": undefined }, /table1\/alone\.json: expected a file, found none$/],
    [{ "table1/alone.json": "{" }, /alone\.json: expected JSON, found /],
    [{ "table1/alone.json": [] }, /alone\.json: expected an object of settings, found \[\]$/],
    [
      row("taught", { lable: 1 }),
      /taught\.json: expected one of its fields, found lable; the nearest is label$/,
    ],
    [row("taught", { label: 1 }), /taught\.json: expected a text as label, found 1$/],
    [
      row("taught", { paper: { eror: 1 } }),
      /taught\.json, paper: .*found eror; the nearest is error$/,
    ],
    [row("taught", { paper: { error: "1" } }), /taught\.json, paper: expected a number as error/],
    [row("taught", { paper: {} }), /paper: expected error or top5_error or accuracy, found none$/],
    [
      row("taught", { task: "cifer" }),
      /expected one of cifar, imagenet, finetune as task, found "cifer"$/,
    ],
    [row("taught", { seeds: 0 }), /expected a whole number of at least 1 as seeds, found 0$/],
    [row("taught", { notes: "x" }), /expected a list of texts as notes, found "x"$/],
    [row("taught", { same: "table1/alone" }), /expected one of its fields, found task/],
    [row("taught", { teacher: "table1/alne" }), /alne\.json: expected a file, found none$/],
    [
      row("alone", { teacher: "table1/taught" }),
      /expected a teacher, found a network that learns from it$/,
    ],
    [
      settings({ bata: 1 }),
      /taught\.json: expected settings of deno task cifar, found bata; the nearest is beta$/,
    ],
    [settings({ beta: "1" }), /taught\.json: expected a number as beta, found "1"$/],
    [settings({ depth: 11 }), /taught\.json: Cannot train: --depth must be 6n\+4/],
    [settings({ seed: 1 }), /taught\.json: expected seed to be left to the table, found it$/],
    [settings({ teacher_id: "a" }), /expected teacher_id to be left to the table, found it$/],
    [settings({ init: "--inot" }), /expected a flag of deno task table as init, found --inot$/],
  ];
  for (const [changes, message] of cases) {
    await using folder = await tempFolder();
    await writeTinyTables(folder.path, changes);
    await assert.rejects(readTable("table1", { folder: folder.path }), message);
  }
});
