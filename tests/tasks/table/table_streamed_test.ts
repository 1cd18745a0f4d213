import assert from "node:assert/strict";
import { runTask, taskCommand } from "../../support/command.ts";
import { drawCub } from "../../support/known_sets.ts";
import { RunningProcess } from "../../support/running_process.ts";
import { writeResNets } from "../../support/small_resnets.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { linesOf } from "../../support/tiny_run.ts";
import { writeTinyTables } from "../../support/tiny_tables.ts";

const FAST = { image_size: 32, batch_size: 8, epochs: 3, epoch_step: [2] };
const TUNED = { ...FAST, data: "--cub" };

/** Fine-tuning from a teacher that is fine-tuned first, and a training from scratch from one that a file holds. */
const TABLE = {
  "table4/table.json": {
    title: "Streamed",
    source: "nobody",
    seeds: 1,
    rows: ["tuned", "scratch"],
  },
  "table4/teacher.json": {
    label: "teacher",
    task: "finetune",
    settings: { ...TUNED, init: "--teacher_params" },
  },
  "table4/tuned.json": {
    label: "tuned",
    paper: { error: 30, top5_error: 10 },
    task: "finetune",
    teacher: "table4/teacher",
    settings: { ...TUNED, init: "--student_params", beta: 10, alpha: 0.5 },
  },
  "table4/scratch.json": {
    label: "scratch",
    paper: { error: 40 },
    task: "imagenet",
    settings: {
      ...FAST,
      width: 0.0625,
      imagenetpath: "--imagenetpath",
      teacher_params: "--teacher_params",
      beta: 10,
    },
  },
};

Deno.test({
  name: "table: rows of imagenet and finetune, whose images and weights the command line names",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using root = await tempFolder();
    const cwd = root.path;
    await drawCub(`${cwd}/birds`, { classes: 3, train: 8, test: 2 });
    await writeResNets(cwd);
    await writeTinyTables(`${cwd}/tables`, TABLE);
    const place = { cwd, script: "tests/support/table_run.ts" };
    const args = ["4", "--cub=birds", "--imagenetpath=birds", "--nthread=1", "--epochs=2"];
    const weights = ["--student_params=student.hkl", "--teacher_params=teacher.npz"];
    const without = await runTask("table", args, place);
    assert.equal(without.code, 2);
    assert.equal(
      without.stderr,
      "error: Cannot train table4/teacher: expected --teacher_params, found none\n",
    );

    const tuned = "table4_tuned_2epochs_seed0";
    {
      await using process = new RunningProcess(taskCommand("table", [...args, ...weights], place));
      await process.says(new RegExp(`${tuned}, starts[^]*epoch 1/2: `));
      process.kill("SIGKILL");
      await process.end();
    }
    const { code, stdout, stderr } = await runTask("table", [...args, ...weights], place);
    assert.equal(code, 0, stderr);
    assert.deepEqual(stderr.split("\n").filter((line) => line.startsWith("run ")), [
      "run 1 of 3: table4_teacher_2epochs_seed0, finished, kept",
      `run 2 of 3: ${tuned}, was broken off and goes on`,
      "run 3 of 3: table4_scratch_2epochs_seed0, starts",
    ]);
    assert.match(stdout, /^# Rehearsal of Streamed\n/);
    const { rows } = JSON.parse(await Deno.readTextFile(`${cwd}/logs/table4_2epochs.json`));
    const last = (await linesOf(`${cwd}/logs/${tuned}`, "log.txt")).at(-1);
    assert.deepEqual([last?.["teacher"], last?.["init"], last?.["epoch"]], [
      "table4_teacher_2epochs_seed0",
      `${cwd}/student.hkl`,
      2,
    ]);
    assert.ok(Array.isArray(last?.["test_acc"]));
    const [topOne, topFive] = last["test_acc"].map((accuracy) => 100 - Number(accuracy));
    assert.deepEqual([rows[0].median, rows[1].median], [topOne, topFive]);
    assert.deepEqual(rows.map(({ n }: { n: number }) => n), [1, 1, 1]);
  },
});
