import assert from "node:assert/strict";
import { NonFiniteError } from "../../lib/train/non_finite.ts";
import { RUN_FILES } from "../../lib/train/run_folder.ts";
import { floats } from "../../lib/weights/file_tensor.ts";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { filesIn, linesOf, STEPS, tinyRun } from "../support/tiny_run.ts";

/** A run whose second epoch has a learning rate that nothing survives. */
const DIVERGING = { epoch_step: [2], lr_decay_ratio: 1e30 };

const SAVED = [RUN_FILES.last, RUN_FILES.best, RUN_FILES.checkpoint];

async function assertFinite(path: string): Promise<void> {
  const { tensors } = await readWeights(path);
  assert.ok(tensors.size > 0);
  for (const [name, tensor] of tensors) {
    assert.ok(floats(tensor, "look").every(Number.isFinite), `${name} in ${path}`);
  }
}

Deno.test("Run: ends at the first step that is not finite, and what was saved before stays", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/run`;
  const saved = new Map<string, Uint8Array>();
  const onEpoch = () => {
    for (const file of SAVED) saved.set(file, Deno.readFileSync(`${path}/${file}`));
  };
  const error = await tinyRun(path, { settings: DIVERGING, onEpoch }).catch((error) => error);
  assert.ok(error instanceof NonFiniteError, String(error));
  const { step } = error;
  assert.ok(step > STEPS && step < 2 * STEPS, `${step}`);
  for (const file of SAVED) {
    assertSameBytes(
      await Deno.readFile(`${path}/${file}`),
      saved.get(file) ?? new Uint8Array(),
      file,
    );
    await assertFinite(`${path}/${file}`);
  }
  const lines = await linesOf(path, "steps.jsonl");
  assert.equal(lines.at(-1)?.["step"], step - 1);
  assert.ok(lines.every((line) => Number.isFinite(line["loss"]) && !("skipped_steps" in line)));
  assert.equal((await linesOf(path, "log.txt")).length, 1);
});

Deno.test("Run: with skip goes on to the end, counts what it skips, and saves finite numbers alone", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/run`;
  const settings = { ...DIVERGING, on_nonfinite: "skip" } as const;
  assert.equal(await tinyRun(path, { settings }), true);
  for (const file of SAVED) await assertFinite(`${path}/${file}`);
  const counts = (lines: Record<string, unknown>[]) =>
    lines.map((line) => Number(line["skipped_steps"]));
  const steps = await linesOf(path, "steps.jsonl");
  const epochs = await linesOf(path, "log.txt");
  const [perStep, perEpoch] = [counts(steps), counts(epochs)];
  assert.deepEqual(perStep.slice(0, STEPS), [0, 0, 0, 0]);
  const sums = [0, 1, 2].map((epoch) =>
    perStep.slice(epoch * STEPS, (epoch + 1) * STEPS).reduce((a, b) => a + b)
  );
  assert.deepEqual(perEpoch, sums);
  assert.ok(sums.some((sum) => sum > 0 && sum < STEPS), `${sums}`);
  // A mean is one over the steps that were made; where there were none, there is none.
  for (const line of steps) assert.equal(line["loss"] === null, line["skipped_steps"] === 1);
  for (const key of ["train_loss", "train_acc"]) {
    const isKnown = epochs.map((line) => line[key] !== null);
    assert.deepEqual(isKnown, sums.map((sum) => sum < STEPS), key);
  }
});

Deno.test("Run: an update that is no longer finite is not saved", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/run`;
  await assert.rejects(tinyRun(path, { settings: { lr: 1e300, max_steps: 1 } }), {
    name: "RangeError",
    message: /^Cannot save before step 1: parameters\.conv0 must be finite, found \S+ in it; /,
  });
  assert.deepEqual(await filesIn(path), ["config.json", "steps.jsonl"]);
});
