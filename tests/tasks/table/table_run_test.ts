import assert from "node:assert/strict";
import { assertSameBytes } from "../../support/assert_same_bytes.ts";
import { type Outcome, type Place, runTask, taskCommand } from "../../support/command.ts";
import { RunningProcess } from "../../support/running_process.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { timelessLinesOf } from "../../support/tiny_run.ts";
import { writeTinyTables } from "../../support/tiny_tables.ts";

const SCRIPT = "tests/support/table_run.ts";
const [ALONE, TAUGHT] = ["table1_alone_seed0", "table1_taught_seed0"];

async function table(cwd: string, ...args: string[]): Promise<Outcome> {
  return await runTask("table", args, { cwd, script: SCRIPT });
}

/** What each run of a table is said to be. */
function statesOf({ stderr }: Pick<Outcome, "stderr">): string[] {
  return stderr.split("\n").filter((line) => line.startsWith("run "));
}

async function assertSameRuns(found: string, wanted: string): Promise<void> {
  for (const run of [ALONE, TAUGHT]) {
    for (const file of ["model.safetensors", "best.safetensors"]) {
      const bytes = await Deno.readFile(`${wanted}/${run}/${file}`);
      assertSameBytes(await Deno.readFile(`${found}/${run}/${file}`), bytes, `${run}/${file}`);
    }
    assert.deepEqual(
      await timelessLinesOf(`${found}/${run}`, "log.txt"),
      await timelessLinesOf(`${wanted}/${run}`, "log.txt"),
    );
  }
}

/** Starts a table and ends it by a signal where it says something. */
async function endedAt(pattern: RegExp, signal: Deno.Signal, args: string[], place: Place) {
  await using process = new RunningProcess(taskCommand("table", args, place));
  await process.says(pattern);
  process.kill(signal);
  return await process.end();
}

/** A result without the day that it was written on, which may end between two of them. */
function undated(text: string): string {
  return text.replace(/, \d{4}-\d{2}-\d{2}\.$/m, "");
}

Deno.test({
  name:
    "table: trains what is missing, whatever ended it, and sets the results beside the published",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await tempFolder();
    const cwd = folder.path;
    await writeTinyTables(`${cwd}/tables`);
    const args = ["1", "--seeds=1"];
    const whole = await table(cwd, ...args, "--logs=whole");
    assert.equal(whole.code, 0, whole.stderr);
    assert.deepEqual(statesOf(whole), [
      `run 1 of 2: ${ALONE}, starts`,
      `run 2 of 2: ${TAUGHT}, starts`,
    ]);
    const again = await table(cwd, ...args, "--logs=whole");
    assert.deepEqual([again.code, undated(again.stdout)], [0, undated(whole.stdout)]);
    const kept = [1, 2].map((at) => `run ${at} of 2: ${[ALONE, TAUGHT][at - 1]}, finished, kept`);
    assert.deepEqual(again.stderr.trimEnd().split("\n"), kept);
    assert.equal(await Deno.readTextFile(`${cwd}/whole/table1.md`), again.stdout);
    const { rows } = JSON.parse(await Deno.readTextFile(`${cwd}/whole/table1.json`));
    const [line] = (await timelessLinesOf(`${cwd}/whole/${TAUGHT}`, "log.txt")).slice(-1);
    const accuracy = Number(line?.["test_acc"]);
    assert.equal(rows[0].median, 100 - accuracy);
    assert.equal(rows[1].median, accuracy);
    assert.equal(rows[0].difference, 100 - accuracy - 80);

    const place = { cwd, script: SCRIPT };
    const broken = [...args, "--logs=broken"];
    const stopped = await endedAt(/ dispatches a step/, "SIGINT", broken, place);
    assert.equal(stopped.code, 130);
    assert.match(stopped.stderr, /go on with: deno task table 1 --seeds=1 --logs=broken\n$/);
    const killed = await endedAt(
      new RegExp(`${TAUGHT}, starts[^]*epoch 1/4: `),
      "SIGKILL",
      broken,
      place,
    );
    assert.equal(statesOf(killed)[0], `run 1 of 2: ${ALONE}, was broken off and goes on`);
    const rest = await table(cwd, ...broken);
    assert.deepEqual([rest.code, ...statesOf(rest)], [
      0,
      `run 1 of 2: ${ALONE}, finished, kept`,
      `run 2 of 2: ${TAUGHT}, was broken off and goes on`,
    ]);
    await assertSameRuns(`${cwd}/broken`, `${cwd}/whole`);
    assert.equal(
      undated(rest.stdout).replace(/hours of the runs: .*/, ""),
      undated(whole.stdout).replace(/hours of the runs: .*/, ""),
    );

    const other = await table(cwd, "2", "--logs=whole");
    assert.deepEqual(statesOf(other), kept);
  },
});

Deno.test({
  name: "table: a second start in one folder of runs is refused, and the first one does not notice",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await tempFolder();
    const cwd = folder.path;
    await writeTinyTables(`${cwd}/tables`);
    await using first = new RunningProcess(
      taskCommand("table", ["1", "--seeds=1"], { cwd, script: SCRIPT }),
    );
    await first.says(/ dispatches a step/);
    first.kill("SIGSTOP");
    const second = await table(cwd, "2", "--seeds=1");
    first.kill("SIGCONT");
    assert.equal(second.code, 1);
    assert.equal(
      second.stderr,
      `error: Cannot train a table in ${cwd}/logs: expected no other deno task table at work there, found one, ` +
        `which holds ${cwd}/logs/tables.lock; wait for its end, or name another folder with --logs\n`,
    );
    assert.equal((await first.end()).code, 0);
    assert.equal((await table(cwd, "2", "--seeds=1")).code, 0, "the lock ends with its holder");
  },
});
