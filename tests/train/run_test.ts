import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { readCheckpoint } from "../../lib/train/checkpoint.ts";
import { evaluate } from "../../lib/train/evaluate.ts";
import type { FinishedEpoch } from "../../lib/train/fit.ts";
import { RunFolder } from "../../lib/train/run_folder.ts";
import { parseSafetensors, readSafetensors } from "../../lib/weights/safetensors.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { testGpu } from "../support/gpu.ts";
import { filesIn, linesOf, STEPS, timelessLinesOf, TINY, tinyRun } from "../support/tiny_run.ts";
import { tinyModel, tinySet } from "../support/tiny.ts";

const FILES = [
  "best.safetensors",
  "checkpoint.safetensors",
  "config.json",
  "log.txt",
  "model.safetensors",
  "steps.jsonl",
];

async function inFolder(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/run`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

Deno.test("Run: its folder holds settings, logs, weights and a checkpoint", () =>
  inFolder(async (path) => {
    assert.equal(await tinyRun(path), true);
    assert.deepEqual(await filesIn(path), FILES);
    const config = await (await RunFolder.open(path)).readConfig();
    const { variants, adapter, version, ...settings } = config;
    assert.deepEqual(settings, TINY);
    assert.deepEqual([adapter, version], [(await testGpu()).adapter.name, project.version]);
    const { progress } = await readCheckpoint(`${path}/checkpoint.safetensors`);
    assert.deepEqual([progress.epochs, progress.position.step], [TINY.epochs, 3 * STEPS]);
    assert.ok(Object.keys(variants ?? {}).length > 0);
    using model = tinyModel(await testGpu());
    for (const file of ["model", "best"]) {
      const { tensors, metadata } = await readSafetensors(`${path}/${file}.safetensors`);
      assert.deepEqual([...tensors.keys()], model.parameters.specs.map(({ name }) => name));
      assert.deepEqual(metadata, {});
      assert.doesNotThrow(() => model.parameters.load(tensors, { from: file }));
    }
  }));

Deno.test("Run: with log_every 1, every step has a line, epochs run on", () =>
  inFolder(async (path) => {
    const epochs: FinishedEpoch[] = [];
    await tinyRun(path, { onEpoch: (epoch) => void epochs.push(epoch) });
    const lines = await linesOf(path, "steps.jsonl");
    const steps = epochs.flatMap((epoch) => epoch.steps);
    assert.equal(lines.length, 3 * STEPS);
    assert.deepEqual(
      lines,
      steps.map(({ step, epoch, loss, rate, images, seconds }) => ({
        step,
        epoch,
        loss,
        at_losses: [],
        term_losses: { cross_entropy: loss },
        lr: rate,
        images_per_s: images / seconds,
      })),
    );
    assert.deepEqual(lines.map(({ lr }) => lr), [0.1, 0.05, 0.025].flatMap((r) => [r, r, r, r]));
  }));

Deno.test("Run: with log_every 3, a line is the mean since the line before, also across epochs", () =>
  inFolder(async (path) => {
    using teacher = tinyModel(await testGpu(), { seed: 7 });
    const epochs: FinishedEpoch[] = [];
    await tinyRun(path, {
      settings: { log_every: 3, beta: 10 },
      teacher,
      onEpoch: (epoch) => void epochs.push(epoch),
    });
    const steps = epochs.flatMap((epoch) => epoch.steps);
    const lines = await linesOf(path, "steps.jsonl");
    assert.deepEqual(lines.map(({ step, epoch }) => [step, epoch]), [
      [2, 1],
      [5, 2],
      [8, 3],
      [11, 3],
    ]);
    lines.forEach(({ loss, at_losses, images_per_s }, line) => {
      const since = steps.slice(3 * line, 3 * line + 3);
      assert.equal(loss, mean(since.map((step) => step.loss)));
      assert.deepEqual(
        at_losses,
        [0, 1].map((group) => mean(since.map(({ losses }) => losses["attention"]?.[group] ?? NaN))),
      );
      const images = since.reduce((sum, step) => sum + step.images, 0);
      assert.equal(images_per_s, images / since.reduce((sum, step) => sum + step.seconds, 0));
    });
  }));

Deno.test("Run: a line an epoch, with the original's figures", () =>
  inFolder(async (path) => {
    using teacher = tinyModel(await testGpu(), { seed: 7 });
    const epochs: FinishedEpoch[] = [];
    await tinyRun(path, {
      settings: { beta: 10, teacher_id: "a_teacher" },
      teacher,
      onEpoch: (epoch) => void epochs.push(epoch),
    });
    const lines = await linesOf(path, "log.txt");
    assert.deepEqual(lines.map(({ epoch }) => epoch), [1, 2, 3]);
    for (const [at, line] of lines.entries()) {
      const { steps, evaluation } = epochs[at] ?? { steps: [], evaluation: null };
      assert.equal(line["train_loss"], mean(steps.map(({ loss }) => loss)));
      const right = steps.reduce((sum, step) => sum + step.right, 0);
      assert.equal(line["train_acc"], 100 * right / 14);
      assert.equal(line["test_loss"], evaluation?.loss);
      assert.equal(line["test_loss_total"], evaluation?.totalLoss);
      assert.equal(line["test_acc"], evaluation?.accuracy);
      assert.deepEqual([line["num_classes"], line["n_parameters"]], [4, 288]);
      assert.deepEqual([line["beta"], line["teacher_id"]], [10, "a_teacher"]);
      assert.equal(line["train_time"], steps.reduce((sum, { seconds }) => sum + seconds, 0));
      const groups = line["at_losses"];
      assert.ok(Array.isArray(groups) && groups.length === 2);
      for (const [group, [average, deviation]] of groups.entries()) {
        const losses = steps.map(({ losses }) => losses["attention"]?.[group] ?? NaN);
        const squares = losses.reduce((sum, loss) => sum + (loss - mean(losses)) ** 2, 0);
        assert.equal(average, mean(losses));
        assert.ok(Math.abs(deviation - Math.sqrt(squares / 3)) < 1e-12);
      }
      assert.ok(Number(line["test_loss_total"]) > Number(line["test_loss"]));
    }
  }));

Deno.test("Run: without a teacher there are no at-losses, and with one there are at beta 0", () =>
  inFolder(async (path) => {
    using teacher = tinyModel(await testGpu(), { seed: 7 });
    await tinyRun(`${path}_alone`, { settings: { epochs: 1 } });
    await tinyRun(`${path}_watched`, { settings: { epochs: 1 }, teacher });
    const [alone] = await linesOf(`${path}_alone`, "log.txt");
    const [watched] = await linesOf(`${path}_watched`, "log.txt");
    assert.deepEqual(alone?.["at_losses"], []);
    const found = watched?.["at_losses"];
    assert.ok(Array.isArray(found) && found.length === 2 && found[0][0] > 0);
    assert.equal(watched?.["train_loss"], alone?.["train_loss"]);
    assert.equal(watched?.["test_loss_total"], watched?.["test_loss"]);
  }));

Deno.test("Run: model is the last network, best the one of the best accuracy", () =>
  inFolder(async (path) => {
    const accuracies: number[] = [];
    const settings = { epochs: 8, lr: 0.3, epoch_step: [] };
    await tinyRun(path, {
      settings,
      onEpoch: ({ evaluation }) => void accuracies.push(evaluation.accuracy),
    });
    const best = accuracies.indexOf(Math.max(...accuracies)) + 1;
    assert.ok(best < 8, `${accuracies}`);
    await tinyRun(`${path}_until_best`, { settings: { ...settings, epochs: best } });
    const wanted = await Deno.readFile(`${path}_until_best/model.safetensors`);
    assertSameBytes(await Deno.readFile(`${path}/best.safetensors`), wanted, "best");
    const last = await Deno.readFile(`${path}/model.safetensors`);
    assert.throws(() => assertSameBytes(last, wanted, "last"));
    using model = tinyModel(await testGpu());
    model.parameters.load(parseSafetensors(wanted).tensors, { from: "best" });
    const data = tinySet({ train: 14, test: 10 });
    assert.equal((await evaluate(model, { data })).accuracy, Math.max(...accuracies));
  }));

Deno.test("Run: what it is called, when it runs and what it logs leave no trace in its weights", () =>
  inFolder(async (path) => {
    await tinyRun(path);
    await tinyRun(`${path}_of_another_name`, { settings: { log_every: 5, save: "elsewhere" } });
    for (const file of ["model.safetensors", "best.safetensors"]) {
      const other = await Deno.readFile(`${path}_of_another_name/${file}`);
      assertSameBytes(other, await Deno.readFile(`${path}/${file}`), file);
    }
    const [log, other] = await Promise.all(
      [path, `${path}_of_another_name`].map((folder) => timelessLinesOf(folder, "log.txt")),
    );
    assert.deepEqual(other?.map((line) => ({ ...line, save: "" })), log);
  }));
