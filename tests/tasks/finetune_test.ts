import assert from "node:assert/strict";
import { fixedInFineTuning } from "../../lib/models/fine_tuning.ts";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { type Outcome, runTask } from "../support/command.ts";
import { drawCub, drawScenes } from "../support/known_sets.ts";
import { writeResNets } from "../support/small_resnets.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { linesOf, timelessLinesOf } from "../support/tiny_run.ts";

const FAST = ["--image_size=32", "--batch_size=8", "--nthread=2", "--log_every=1"];

/** Runs the task in a folder, by default to a good end. */
function runnerIn(cwd: string, code = 0): (...args: string[]) => Promise<Outcome> {
  return async (...args) => {
    const outcome = await runTask("finetune", args, { cwd });
    assert.equal(outcome.code, code, outcome.stderr);
    return outcome;
  };
}

/** Asserts that of a run's student what is fixed is the file's, and all else is not. */
async function assertTrained(
  path: string,
  { from, groups }: { from: string; groups: number },
): Promise<void> {
  const { tensors: found } = await readWeights(path);
  const { tensors: wanted } = await readWeights(from);
  const fixed = fixedInFineTuning({ groups });
  assert.deepEqual([...found.keys()].sort(), [...wanted.keys()].sort());
  for (const [name, { data }] of wanted) {
    const now = found.get(name)?.data ?? new Uint8Array();
    if (fixed(name) || /running/.test(name)) assertSameBytes(now, data, name);
    else assert.notDeepEqual(now, data, name);
  }
}

Deno.test("finetune: CUB-200-2011, a teacher and from it by attention and distillation, resumed and evaluated", async () => {
  await using root = await tempFolder();
  const cwd = root.path;
  await drawCub(`${cwd}/CUB_200_2011`, { classes: 3, train: 8, test: 2 });
  await writeResNets(cwd);
  const run = runnerIn(cwd);
  const set = [...FAST, "--data=CUB_200_2011"];
  await run(...set, "--student=teacher.npz", "--epochs=1", "--save=taught");
  await assertTrained(`${cwd}/logs/taught/model.safetensors`, {
    from: `${cwd}/teacher.npz`,
    groups: 1,
  });

  const student = [...set, "--student=student.hkl", "--teacher=taught", "--beta=100", "--alpha=.5"];
  await run(...student, "--epochs=2");
  const whole = `${cwd}/logs/at_kd_CUB_200_2011_student_from_taught`;
  await run(...student, "--epochs=2", "--max_steps=4", "--save=parts");
  await Deno.rename(`${cwd}/student.hkl`, `${cwd}/moved.hkl`);
  await run("--resume=parts", "--max_steps=6");
  for (const file of ["model.safetensors", "best.safetensors"]) {
    const bytesOf = (folder: string) => Deno.readFile(`${folder}/${file}`);
    assertSameBytes(await bytesOf(`${cwd}/logs/parts`), await bytesOf(whole), file);
  }
  const timeless = (folder: string) => timelessLinesOf(folder, "steps.jsonl");
  assert.deepEqual(await timeless(`${cwd}/logs/parts`), await timeless(whole));
  await assertTrained(`${whole}/model.safetensors`, { from: `${cwd}/moved.hkl`, groups: 1 });

  const lines = await linesOf(whole, "log.txt");
  const last = lines[1];
  assert.deepEqual([last?.["data"], last?.["init"], last?.["num_classes"]], [
    `${cwd}/CUB_200_2011`,
    `${cwd}/student.hkl`,
    3,
  ]);
  assert.ok(Array.isArray(last?.["at_losses"]) && last["at_losses"].length === 2);
  const { stdout } = await run("--evaluate=at_kd_CUB_200_2011_student_from_taught");
  assert.match(stdout, /^ResNet-10 .* on 6 test images of CUB_200_2011\n/);
  const shares = [/top-1 ([\d.]+) %/, /top-5 ([\d.]+) %/].map((part) => part.exec(stdout)?.[1]);
  assert.ok(Array.isArray(last?.["test_acc"]));
  assert.deepEqual(shares, last["test_acc"].map((share) => Number(share).toFixed(2)));
});

Deno.test("finetune: MIT Indoor 67, batch normalisation stays, attention is learned from any head", async () => {
  await using root = await tempFolder();
  const cwd = root.path;
  await drawScenes(`${cwd}/indoor`, { classes: 4, train: 6, test: 2 });
  await writeResNets(cwd);
  const run = runnerIn(cwd);
  const set = [...FAST, "--data=indoor", "--student=normalised.safetensors", "--epochs=1"];
  await run(...set, "--teacher=teacher.npz", "--beta=100", "--freeze=0", "--save=all");
  const from = `${cwd}/normalised.safetensors`;
  await assertTrained(`${cwd}/logs/all/model.safetensors`, { from, groups: 0 });
  await run(...set, "--freeze=3", "--save=last");
  await assertTrained(`${cwd}/logs/last/model.safetensors`, { from, groups: 3 });
  await run(...set, "--freeze=3", "--crop=resized", "--max_steps=1", "--save=resized");
  const firstLoss = async (name: string) =>
    (await linesOf(`${cwd}/logs/${name}`, "steps.jsonl"))[0]?.["loss"];
  assert.notEqual(await firstLoss("resized"), await firstLoss("last"));
  // A rate that is lost in rounding shows which head training began with.
  await run(...FAST, "--data=indoor", "--student=last", "--keep_head", "--lr=1e-30", "--save=kept");
  const headOf = async (name: string) =>
    (await readWeights(`${cwd}/logs/${name}/best.safetensors`)).tensors.get("fc.weight")?.data;
  assert.deepEqual(await headOf("kept"), await headOf("last"));
});

Deno.test("finetune: what is missing or does not fit is one line", async () => {
  await using root = await tempFolder();
  const cwd = root.path;
  await drawScenes(`${cwd}/indoor`, { classes: 2, train: 4, test: 2 });
  await drawCub(`${cwd}/birds`, { classes: 2, train: 4, test: 2 });
  await Deno.remove(`${cwd}/birds/bounding_boxes.txt`);
  await writeResNets(cwd);
  const fail = runnerIn(cwd, 1);
  const set = [...FAST, "--data=indoor", "--student=student.hkl"];
  const cases: [args: string[], message: RegExp][] = [
    [
      ["--data=birds"],
      /^error: Cannot read \/.*\/birds\/bounding_boxes\.txt: wanted a file of lines/,
    ],
    [
      ["--data=nowhere"],
      /^error: Cannot read \/.*\/nowhere: wanted a folder with pack\.json \(a pack\), train/,
    ],
    [["--student=none.hkl"], /^error: Cannot .*none\.hkl/],
    [
      ["--teacher=teacher.npz", "--alpha=.5"],
      /^error: Cannot learn from teacher \/.*\/teacher\.npz: it must tell 2 classes apart, found 10\n$/,
    ],
    [
      ["--keep_head"],
      /^error: Cannot fine-tune \/.*\/student\.hkl with --keep_head: its head must tell 2 classes apart, found 10\n$/,
    ],
  ];
  for (const [args, message] of cases) {
    const { stderr } = await fail(...set, ...args);
    assert.match(stderr, message);
    assert.match(stderr, /^[^\n]*\n$/);
  }
});
