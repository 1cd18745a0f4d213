import assert from "node:assert/strict";
import { RunFolder } from "../../lib/train/run_folder.ts";
import { filesIn } from "../data/tar_gz.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { runTask } from "../support/command.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { linesOf } from "../support/tiny_run.ts";
import { TINY_ENV, TINY_FLAGS, TINY_STEPS, writeTinyCifar } from "../support/tiny_cifar.ts";

const RUN_FILES = [
  "best.safetensors",
  "checkpoint.safetensors",
  "config.json",
  "log.txt",
  "model.safetensors",
  "run.lock",
  "steps.jsonl",
];

/** Runs a task that must succeed. */
async function cifar(root: string, ...args: string[]) {
  const outcome = await runTask("cifar", args, { cwd: root, env: TINY_ENV });
  assert.equal(outcome.code, 0, outcome.stderr);
  return outcome;
}

Deno.test("cifar: trains on shapes from end to end, and says what it does on stderr", async () => {
  await using root = await tempFolder();
  const args = ["--dataset=shapes", "--train_images=8", "--depth=10", "--width=0.25"];
  const { stdout, stderr } = await cifar(
    root.path,
    ...args,
    "--batch_size=8",
    "--epochs=1",
    "--log_every=1",
    "--autotune=off",
  );
  assert.equal(stdout, "");
  const lines = stderr.trimEnd().split("\n");
  assert.match(
    lines[0] ?? "",
    /^WRN-10-0\.25, \d+ parameters; shapes, 8 images; (no GPU: .+ on the CPU|(?!no GPU).+); logs\/resnet_10_0\.25_shapes$/,
  );
  assert.match(lines[1] ?? "", /^convolution kernels: \d+ [a-z]+\d*(, \d+ [a-z]+\d*)*$/);
  assert.match(
    lines[2] ?? "",
    /^\d+ dispatches a step; intermediate tensors take \d+\.\d MB \(\d+\.\d MB without sharing\)$/,
  );
  assert.match(
    stderr,
    /^epoch 1\/1 {2}step 1\/1 {2}[\d.]+ images\/s {2}loss [\d.]+ {2}lr 0\.1 {2}0 s left$/m,
  );
  assert.match(
    lines.at(-1) ?? "",
    /^epoch 1\/1: train_loss \d+\.\d{4} {2}train_acc [\d.]+ % {2}test_loss \d+\.\d{4} {2}test_acc [\d.]+ % {2}[\d.]+ s$/,
  );
  assert.deepEqual(await filesIn(`${root.path}/logs/resnet_10_0.25_shapes`), RUN_FILES);
});

Deno.test("cifar: a teacher and its student, named after their settings, evaluated by run and file", async () => {
  await using root = await tempFolder();
  await writeTinyCifar(root.path);
  const flags = [...TINY_FLAGS, "--epochs=1"];
  await cifar(root.path, ...flags);
  await cifar(root.path, ...flags, "--max-steps", "1", "--seed=1");
  const student = await cifar(root.path, ...flags, "--teacher=resnet_10_0.25", "--beta=1000");
  assert.match(student.stderr, /, from WRN-10-0\.25; /);
  const runs = (await filesIn(`${root.path}/logs`)).filter((name) => /^[^/]*\/$/.test(name));
  const name = "at_10_0.25_from_resnet_10_0.25";
  assert.deepEqual(runs, [`${name}/`, "resnet_10_0.25/", "resnet_10_0.25_2/"]);
  const path = `${root.path}/logs/${name}`;
  const [line] = await linesOf(path, "log.txt");
  assert.equal((await linesOf(path, "steps.jsonl")).length, TINY_STEPS);
  const groups = line?.["at_losses"];
  assert.ok(Array.isArray(groups) && groups.length === 3);
  assert.equal(line?.["teacher_id"], "resnet_10_0.25");
  assert.equal(line?.["n_parameters"], 6154);

  for (const target of [name, `logs/${name}/model.safetensors`]) {
    const { stdout } = await cifar(
      root.path,
      "--evaluate",
      target,
      "--dataroot=data",
      "--batch_size=8",
    );
    const accuracy = Number(line?.["test_acc"]).toFixed(2);
    const loss = Number(line?.["test_loss"]).toFixed(4);
    assert.equal(
      stdout,
      `WRN-10-0.25 of logs/${name}/model.safetensors on 8 test images of CIFAR10\n` +
        `test_loss ${loss}  test_acc ${accuracy} %\n`,
    );
  }
});

Deno.test("cifar: --init starts from a file, --save goes to a path or under --logs", async () => {
  await using root = await tempFolder();
  await writeTinyCifar(root.path);
  const flags = [...TINY_FLAGS, "--no_augment", "--no_shuffle", "--max_steps=1"];
  await cifar(root.path, ...flags, "--logs=runs", "--save=first");
  const file = `${root.path}/runs/first/model.safetensors`;
  const init = "--init=runs/first/model.safetensors";
  await cifar(root.path, ...flags, init, "--save=elsewhere/a", "--seed=1");
  await cifar(root.path, ...flags, init, "--save=elsewhere/b", "--seed=2");
  const [a, b] = await Promise.all(
    ["a", "b"].map((run) => Deno.readFile(`${root.path}/elsewhere/${run}/model.safetensors`)),
  );
  assert.ok(a !== undefined && b !== undefined);
  assertSameBytes(b, a, "the seed does not matter after --init, in file order, as it is");
  assert.throws(() => assertSameBytes(a, Deno.readFileSync(file), "another step"));
  const config = await (await RunFolder.open(`${root.path}/elsewhere/a`)).readConfig();
  assert.deepEqual([config["init"], config["max_steps"]], [
    `${root.path}/runs/first/model.safetensors`,
    1,
  ]);
});
