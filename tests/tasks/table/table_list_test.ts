import assert from "node:assert/strict";
import { runTask } from "../../support/command.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { writeTinyTables } from "../../support/tiny_tables.ts";

Deno.test("table --dry_run: lists runs, published numbers, FLOP and hours, and makes nothing", async () => {
  await using folder = await tempFolder();
  const cwd = folder.path;
  await writeTinyTables(`${cwd}/tables`);
  const place = { cwd, script: "tests/support/table_run.ts" };
  const { code, stdout, stderr } = await runTask("table", ["1", "--dry_run"], place);
  assert.equal(code, 0, stderr);
  const [title, , head, ...lines] = stdout.trimEnd().split("\n");
  assert.equal(title, "A tiny table");
  assert.match(head ?? "", /^run +row +published +GFLOP a step +PFLOP a run +hours a run +hours$/);
  const number = String.raw` +([\d.]+(?:e-\d+)?)`;
  const [alone, taught] = [
    `^table1_alone_seed0 +alone: alone +90${number.repeat(4)}$`,
    `^table1_taught_seed0 to 1 +taught: taught +80/20${number.repeat(4)}$`,
  ].map((pattern, at) => new RegExp(pattern).exec(lines[at] ?? "")?.slice(1).map(Number));
  assert.ok(alone !== undefined && taught !== undefined, stdout);
  const [step = 0, flop = 0, hours = 0, all = 0] = taught;
  // 16 images in batches of 8, four epochs: eight steps.
  assert.ok(Math.abs(flop / (8 * step / 1e6) - 1) < 0.01);
  assert.ok(Math.abs(all / (2 * hours) - 1) < 0.01 && hours > 0);
  assert.ok(step > (alone[0] ?? NaN), "a teacher costs");
  assert.match(stdout, /\n3 runs: [\d.e-]+ PFLOP, [\d.e-]+ hours on .+\n/);
  assert.match(
    stdout,
    /, each shape timed once at 8 images a step( \(\d+ of \d+, \d+ % of the work; the others are scaled from them\))? and scaled/,
  );
  const counts = await runTask("table", ["1", "--dry_run", "--no_timing"], place);
  assert.equal(counts.code, 0, counts.stderr);
  // The same table without the hours.
  const withoutHours = stdout.split("\n").slice(0, 5).map((line) =>
    line.replace(/ +hours a run +hours$/, "").replace(/( +[\d.e-]+){2}$/, "")
  );
  assert.deepEqual(counts.stdout.split("\n").slice(0, 5), [title, "", ...withoutHours.slice(2)]);
  assert.match(
    counts.stdout,
    /\n3 runs: [\d.e-]+ PFLOP\nFLOP are those of the training steps\.\n$/,
  );
  assert.deepEqual((await Array.fromAsync(Deno.readDir(cwd))).map(({ name }) => name), ["tables"]);
});
