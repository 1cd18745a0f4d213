import assert from "node:assert/strict";
import { filesIn } from "../data/tar_gz.ts";
import { runTask } from "../support/command.ts";
import { tempFolder } from "../support/temp_folder.ts";

const FLAGS = ["--dataset=shapes", "--depth=10", "--width=0.25", "--batch_size=4", "--profile"];

Deno.test("cifar --profile: tells of one step on stdout, and leaves nothing behind", async () => {
  await using root = await tempFolder();
  const args = [...FLAGS, "--train_images=8", "--save=kept"];
  const { code, stdout, stderr } = await runTask("cifar", args, { cwd: root.path });
  assert.equal(code, 0, stderr);
  for (
    const wanted of [
      /^WRN-10-0\.25 on shapes, one step of 4 images, on .+\n\n/,
      /^dispatches {6}\d+, one pass, one submit; \d+ of them merged, marked \+ below$/m,
      /^CPU {13}[\d.]+ ms to encode and submit \(median of \d+, quartile [\d.]+; GPU idle\)$/m,
      /^GPU {13}[\d.]+ ms, \d+ images\/s \(by /m,
      /^arithmetic {6}[\d.]+ GFLOP; [\d.]+ GFLOP\/s, [\d.]+ % of [\d.]+$/m,
      /^memory traffic {2}[\d.]+ GB; [\d.]+ GB\/s, [\d.]+ % of [\d.]+$/m,
      /^first step {6}over [\d.]+ s after the start of the process$/m,
      /^kernel +dispatches +GFLOP +MB/m,
      /^sgd\.step +1 /m,
      /^intermediate tensors: [\d.]+ MB in \d+ buffers, [\d.]+ MB without sharing; \d+ dispatches write in place$/m,
      /^alive at the peak, dispatch \d+ \(.+\): [\d.]+ MB$/m,
      /^tensor +shape +count +MB$/m,
    ]
  ) assert.match(stdout, wanted);
  assert.deepEqual(await filesIn(root.path), []);
});

Deno.test("cifar --profile: a batch larger than the training set is refused in one line", async () => {
  await using root = await tempFolder();
  const args = [...FLAGS, "--train_images=3"];
  const { code, stdout, stderr } = await runTask("cifar", args, { cwd: root.path });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(
    stderr.trimEnd(),
    "error: Cannot profile a step of 4 images: the training set must have as many, found 3",
  );
});
