import assert from "node:assert/strict";
import { runAsCard, testAsCard } from "../support/as_card.ts";
import type { Task } from "../support/command.ts";
import { drawScene, SCENE_FLAGS } from "../support/image_scene.ts";
import { H100 } from "../support/posing_layer/posing_layer.ts";
import { writeResNets } from "../support/small_resnets.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { filesIn } from "../support/tiny_run.ts";

/** Runs a task as a card that computes nothing: llvmpipe would take minutes for kernels that are made for cards. */
async function runIdle(task: Task, args: readonly string[], cwd: string) {
  const { code, stdout, stderr } = await runAsCard(task, args, { cwd, idle: true });
  assert.equal(code, 0, stderr);
  return { stdout, stderr };
}

/** What a training says of the card and of the kernels that it runs on cards alone, read through buffers. */
function assertOnCard(stderr: string): void {
  assert.ok(stderr.includes(`; ${H100.name}; `), stderr);
  assert.match(stderr, /^convolution kernels: .*\d+ gemm\d+/m);
  assert.doesNotMatch(stderr, /CPU/);
}

testAsCard("doctor: names the card, and a kernel gives the right numbers", async () => {
  const cwd = import.meta.dirname ?? ".";
  const { code, stdout, stderr } = await runAsCard("doctor", [], { cwd });
  assert.deepEqual([code, stderr], [0, ""]);
  const rows = stdout.split("\n").map((row) => row.replace(/^(\S+) +/, "$1 "));
  for (
    const wanted of [
      `adapter ${H100.name}`,
      "driver NVIDIA; WebGPU does not tell the version",
      "software no",
      `limit maxBufferSize ${H100.buffer}`,
      `limit maxComputeWorkgroupStorageSize ${H100.workgroupMemory}`,
      "kernel conv2d gives the right numbers",
    ]
  ) assert.ok(rows.includes(wanted), `${wanted} in\n${stdout}`);
});

testAsCard("cifar --profile: a card's step reads through no texture, in one pass", async () => {
  await using root = await tempFolder();
  const args = ["--dataset=shapes", "--train_images=4", "--depth=10", "--width=0.25"];
  const { stdout } = await runIdle("cifar", [...args, "--batch_size=4", "--profile"], root.path);
  assert.ok(stdout.startsWith(`WRN-10-0.25 on shapes, one step of 4 images, on ${H100.name}`));
  assert.match(stdout, /^dispatches {6}\d+, one pass, one submit;/m);
  assert.match(stdout, /^conv2d\/gemm\./m);
});

testAsCard("imagenet: trains as a card", async () => {
  await using root = await tempFolder();
  await drawScene(root.path);
  const flags = [...SCENE_FLAGS, "--nthread=1"];
  const { stderr } = await runIdle(
    "imagenet",
    [...flags, "--epochs=1", "--max_steps=2"],
    root.path,
  );
  assertOnCard(stderr);
  assert.match(stderr, /^epoch 1\/1: train_loss 0\.0000 /m);
});

testAsCard("finetune: trains as a card", async () => {
  await using root = await tempFolder();
  await drawScene(root.path);
  await writeResNets(root.path);
  const args = ["--data=images", "--student=student.hkl", "--image_size=32", "--batch_size=8"];
  const { stderr } = await runIdle(
    "finetune",
    [...args, "--max_steps=2", "--nthread=1"],
    root.path,
  );
  assertOnCard(stderr);
});

testAsCard("table --dry_run: gives the hours of the card", async () => {
  await using root = await tempFolder();
  const { stdout } = await runIdle("table", ["1", "--dry_run", "--rows=wrn_16_1"], root.path);
  assert.match(stdout, new RegExp(`^5 runs: [\\d.]+ PFLOP, [\\d.e-]+ hours on ${H100.name}$`, "m"));
  // On a software adapter they are timed with fewer.
  assert.match(stdout, /, each shape timed once at 128 images a step/);
  assert.deepEqual(await filesIn(root.path), []);
});

testAsCard("quickstart: trains its three networks as a card", async () => {
  await using root = await tempFolder();
  const { stdout, stderr } = await runIdle("quickstart", [], root.path);
  assert.ok(stderr.startsWith(`Pupil on ${H100.name}\n`), stderr);
  assert.match(
    stdout,
    /^network +images +parameters +test accuracy +time\nteacher +2,500 .*\nstudent .*\nstudent with attention transfer /,
  );
});
