import assert from "node:assert/strict";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { runTask, taskCommand } from "../support/command.ts";
import { RunningProcess } from "../support/running_process.ts";
import { assertSameRun } from "../support/same_run.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { linesOf } from "../support/tiny_run.ts";
import {
  adviceOf,
  ENDLESS_FLAGS,
  TINY_ENV,
  TINY_FLAGS,
  TINY_STEPS,
  writeTinyCifar,
} from "../support/tiny_cifar.ts";

/** Starts a run that would take long, and stops it by signals once it trains. */
async function stopped(
  args: readonly string[],
  { cwd, signals }: { cwd: string; signals: readonly Deno.Signal[] },
): Promise<{ code: number; advice: string[] }> {
  await using process = new RunningProcess(taskCommand("cifar", args, { cwd, env: TINY_ENV }));
  await process.says(/ dispatches a step/);
  for (const signal of signals) process.kill(signal);
  const { code, stdout, stderr } = await process.end();
  assert.equal(stdout, "");
  return { code, advice: adviceOf(stderr) };
}

Deno.test({
  name: "cifar: stops at SIGINT and SIGTERM, says how to go on, and then ends as if never stopped",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using root = await tempFolder();
    const cwd = root.path;
    await writeTinyCifar(cwd);
    const flags = [...ENDLESS_FLAGS, "--logs=runs"];
    const [run, whole] = [`${cwd}/runs/stopped`, `${cwd}/runs/whole`];

    const twice = await stopped([...flags, "--save=stopped"], {
      cwd,
      signals: ["SIGINT", "SIGINT"],
    });
    assert.equal(twice.code, 130);
    assert.deepEqual(twice.advice, ["--resume", "stopped", "--logs", "runs"]);
    const first = (await linesOf(run, "steps.jsonl")).length;
    assert.ok(first >= 1);

    const again = await stopped(twice.advice, { cwd, signals: ["SIGTERM"] });
    assert.equal(again.code, 143);
    assert.deepEqual(again.advice, twice.advice);
    const second = (await linesOf(run, "steps.jsonl")).length;
    assert.ok(second > first);

    const end = `--max_steps=${Math.ceil(second / TINY_STEPS) * TINY_STEPS + 1}`;
    for (const args of [[...again.advice, end], [...flags, "--save=whole", end]]) {
      const { code, stderr } = await runTask("cifar", args, { cwd, env: TINY_ENV });
      assert.equal(code, 0, stderr);
    }
    await assertSameRun(run, whole);
  },
});

Deno.test({
  name: "cifar: a run that is at work is not taken up a second time",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using root = await tempFolder();
    const cwd = root.path;
    await writeTinyCifar(cwd);
    const flags = [...ENDLESS_FLAGS, "--save=run"];
    await using first = new RunningProcess(taskCommand("cifar", flags, { cwd, env: TINY_ENV }));
    await first.says(/epoch 1\/10000: /);
    first.kill("SIGSTOP");
    const files = ["config.json", "checkpoint.safetensors", "steps.jsonl"];
    const read = () => Promise.all(files.map((file) => Deno.readFile(`${cwd}/logs/run/${file}`)));
    const before = await read();
    const second = await runTask("cifar", ["--resume=run", "--max_steps=1"], { cwd });
    assert.deepEqual([second.code, second.stderr], [
      1,
      `error: Cannot train in ${cwd}/logs/run: expected no other process at work there, found one, ` +
      `which holds ${cwd}/logs/run/run.lock\n`,
    ]);
    assert.deepEqual(await read(), before);
  },
});

Deno.test({
  name:
    "cifar: where the disk is full, a run ends with its last checkpoint whole, and goes on later",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using root = await tempFolder();
    const cwd = root.path;
    const place = { cwd, env: TINY_ENV };
    await writeTinyCifar(cwd);
    const flags = [...TINY_FLAGS, "--save=run", "--epochs=2", `--max_steps=${TINY_STEPS}`];
    assert.equal((await runTask("cifar", flags, place)).code, 0);
    const file = `${cwd}/logs/run/checkpoint.safetensors`;
    const before = await Deno.readFile(file);
    const more = ["--resume=run", `--max_steps=${2 * TINY_STEPS}`];
    // The parameters alone find room, the checkpoint beside them does not.
    const room = Math.floor(0.8 * before.length / 1024);
    const { code, stderr } = await runTask("cifar", more, { ...place, room });
    assert.equal(code, 1);
    const [error = ""] = stderr.trimEnd().split("\n").slice(-1);
    assert.ok(error.startsWith(`error: Cannot write ${file}: File too large`), stderr);
    assertSameBytes(await Deno.readFile(file), before, "the checkpoint");
    const names = await Array.fromAsync(Deno.readDir(`${cwd}/logs/run`), ({ name }) => name);
    assert.deepEqual(names.filter((name) => name.includes(".part")), []);
    assert.equal((await runTask("cifar", more, place)).code, 0);
    assert.equal((await linesOf(`${cwd}/logs/run`, "log.txt")).length, 2);
  },
});
