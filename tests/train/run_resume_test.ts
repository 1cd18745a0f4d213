import assert from "node:assert/strict";
import { readCheckpoint } from "../../lib/train/checkpoint.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { testIn } from "../support/test_in.ts";
import { filesIn, STEPS, timelessLinesOf, tinyRun } from "../support/tiny_run.ts";
import type { TinyRunOptions } from "../support/tiny_run.ts";
import { testGpu } from "../support/gpu.ts";
import { tinyModel } from "../support/tiny.ts";

const WEIGHTS = ["model.safetensors", "best.safetensors"];

/** Runs a test with the folder of an uninterrupted run and that of a run to be interrupted. */
async function besideWhole(
  options: TinyRunOptions,
  test: (runs: { whole: string; path: string }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const whole = `${folder}/whole`;
    await tinyRun(whole, options);
    await test({ whole, path: `${folder}/run` });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function assertSameRun(path: string, whole: string, what: string): Promise<void> {
  for (const file of WEIGHTS) {
    const wanted = await Deno.readFile(`${whole}/${file}`);
    assertSameBytes(await Deno.readFile(`${path}/${file}`), wanted, `${what}: ${file}`);
  }
  for (const log of ["steps.jsonl", "log.txt"] as const) {
    const found = await timelessLinesOf(path, log);
    assert.deepEqual(found, await timelessLinesOf(whole, log), `${what}: ${log}`);
  }
}

for (const log_every of [1, 3]) {
  Deno.test(`Run.resume: an interruption after any step leaves no trace, log_every ${log_every}`, () =>
    besideWhole({ settings: { log_every } }, async ({ whole, path }) => {
      for (const stopAfter of [0, 1, 2, 4, 5, 8, 11]) {
        const run = `${path}${stopAfter}`;
        assert.equal(await tinyRun(run, { settings: { log_every }, stopAfter }), false);
        const steps = await timelessLinesOf(run, "steps.jsonl").catch(() => []);
        assert.equal(steps.length, Math.floor(stopAfter / log_every));
        const resumed = await tinyRun(run, { settings: { log_every }, resume: true });
        assert.equal(resumed, true);
        await assertSameRun(run, whole, `after ${stopAfter} steps`);
      }
    }));
}

Deno.test("Run.resume: a run that is interrupted again and again, with a teacher", async () => {
  using teacher = tinyModel(await testGpu(), { seed: 7 });
  const options = { teacher, settings: { beta: 100, alpha: 0.5, log_every: 2 } };
  await besideWhole(options, async ({ whole, path }) => {
    await tinyRun(path, { ...options, stopAfter: 1 });
    for (const stopAfter of [3, 6, 7, Infinity]) {
      await tinyRun(path, { ...options, stopAfter, resume: true });
    }
    await assertSameRun(path, whole, "resumed four times");
  });
});

Deno.test("Run.resume: every loss at once, with weights that decay and parameters of their own", async () => {
  using teacher = tinyModel(await testGpu(), { seed: 7, channels: 6 });
  const settings = {
    log_every: 2,
    lr: 0.01,
    alpha: 0.5,
    alpha_decay: "cosine",
    beta: 10,
    beta_decay: "exp:2",
    beta_from_epoch: 2,
    map: "max",
    fact_beta: 10,
    grad_beta: 1,
    min_l2_beta: 0.1,
    symmetry_beta: 0.1,
    grad_distance: "sample",
  } as const;
  await besideWhole({ settings, teacher }, async ({ whole, path }) => {
    await tinyRun(path, { settings, teacher, stopAfter: 3 });
    await tinyRun(path, { settings, teacher, stopAfter: 6, resume: true });
    await tinyRun(path, { settings, teacher, resume: true });
    await assertSameRun(path, whole, "every loss");
    const [line] = await timelessLinesOf(path, "log.txt");
    assert.deepEqual(Object.keys(line?.["term_losses"] ?? {}), [
      "cross_entropy",
      "distillation",
      "activations",
      "gradient",
      "small_gradient",
      "symmetry",
    ]);
  });
});

// The second rate overflows the parameters, so that all later steps are skipped.
for (
  const [dtype, lr, on_nonfinite] of [
    ["half", 0.1, "stop"],
    ["half", 1e6, "skip"],
    ["float", 1e30, "skip"],
  ] as const
) {
  const type = dtype === "half" ? "f16" : "f32";
  testIn(
    type,
    `Run.resume: in ${type} at a rate of ${lr}, with the steps that are skipped`,
    async () => {
      using teacher = tinyModel(await testGpu(), { seed: 7 });
      const settings = { dtype, beta: 100, log_every: 2, lr, on_nonfinite };
      await besideWhole({ settings, teacher }, async ({ whole, path }) => {
        await tinyRun(path, { settings, teacher, stopAfter: 2 });
        await tinyRun(path, { settings, teacher, stopAfter: 7, resume: true });
        await tinyRun(path, { settings, teacher, resume: true });
        await assertSameRun(path, whole, `${dtype}, rate ${lr}`);
        const lines = await timelessLinesOf(path, "steps.jsonl");
        const skipped = lines.map((line) => Number(line["skipped_steps"]));
        const total = skipped.reduce((a, b) => a + b);
        assert.equal(total > 0, lr > 1, `${skipped}`);
        const epochs = await timelessLinesOf(path, "log.txt");
        assert.equal(epochs.reduce((sum, line) => sum + Number(line["skipped_steps"]), 0), total);
        assert.equal(lines.at(-1)?.["loss_scale"], epochs.at(-1)?.["loss_scale"]);
        const { progress } = await readCheckpoint(`${path}/checkpoint.safetensors`);
        assert.equal(progress.skipped, total);
      });
    },
  );
}

Deno.test("Run.resume: a run that was bound to some steps goes on as if it had not been", () =>
  besideWhole({ settings: { lr: 0.2 } }, async ({ whole, path }) => {
    let kept = 0;
    for (let max_steps = 1; max_steps < 3 * STEPS; max_steps++) {
      const run = `${path}${max_steps}`;
      assert.equal(await tinyRun(run, { settings: { lr: 0.2, max_steps } }), true);
      const lines = await timelessLinesOf(run, "log.txt");
      assert.equal(lines.length, Math.ceil(max_steps / STEPS));
      if ((await filesIn(run)).includes("best_before.safetensors")) kept++;
      await tinyRun(run, { settings: { lr: 0.2, max_steps: 3 * STEPS }, resume: true });
      await assertSameRun(run, whole, `bound to ${max_steps} steps`);
    }
    assert.ok(kept > 0, "an epoch that was cut short never was the best");
  }));

Deno.test("Run.resume: an epoch that was cut short is not the best of a run that goes on", () =>
  besideWhole({ settings: { max_steps: 2 } }, async ({ whole }) => {
    assert.ok((await filesIn(whole)).includes("best.safetensors"));
    await tinyRun(whole, { resume: true, stopAfter: 3 });
    assert.ok(!(await filesIn(whole)).includes("best.safetensors"));
  }));

Deno.test("Run.resume: a bound in mid-epoch that comes after an interruption", () =>
  besideWhole({ settings: { max_steps: 6 } }, async ({ whole, path }) => {
    for (const stopAfter of [3, 5, 6]) {
      const run = `${path}${stopAfter}`;
      await tinyRun(run, { stopAfter });
      await tinyRun(run, { settings: { max_steps: 6 }, resume: true });
      await assertSameRun(run, whole, `interrupted after ${stopAfter} steps`);
    }
  }));

Deno.test("Run.resume: a run that is done stays as it is", async () => {
  for (const settings of [{}, { max_steps: 6 }, { max_steps: 8 }]) {
    await besideWhole({ settings }, async ({ whole, path }) => {
      await tinyRun(path, { settings });
      assert.equal(await tinyRun(path, { settings, resume: true }), true);
      await assertSameRun(path, whole, JSON.stringify(settings));
    });
  }
});

Deno.test("Run.resume: more epochs than at first", () =>
  besideWhole({}, async ({ whole, path }) => {
    await tinyRun(path, { settings: { epochs: 2 } });
    await tinyRun(path, { resume: true });
    for (const file of WEIGHTS) {
      const wanted = await Deno.readFile(`${whole}/${file}`);
      assertSameBytes(await Deno.readFile(`${path}/${file}`), wanted, file);
    }
    const epochs = (await timelessLinesOf(path, "log.txt")).map(({ epoch }) => epoch);
    assert.deepEqual(epochs, [1, 2, 3]);
    assert.deepEqual(
      await timelessLinesOf(path, "steps.jsonl"),
      await timelessLinesOf(whole, "steps.jsonl"),
    );
  }));

Deno.test("Run.resume: what a crash wrote after the last checkpoint is written again", () =>
  besideWhole({}, async ({ whole, path }) => {
    for (const stopAfter of [2, STEPS, STEPS + 1]) {
      const run = `${path}${stopAfter}`;
      await tinyRun(run, { stopAfter });
      const checkpoint = await Deno.readFile(`${run}/checkpoint.safetensors`);
      await tinyRun(run, { resume: true });
      await Deno.writeFile(`${run}/checkpoint.safetensors`, checkpoint);
      for (const log of ["steps.jsonl", "log.txt"]) {
        await Deno.writeTextFile(`${run}/${log}`, '{"step":12,"epo', { append: true });
      }
      await tinyRun(run, { resume: true });
      await assertSameRun(run, whole, `checkpoint after ${stopAfter} steps`);
    }
  }));

Deno.test("Run.resume: a crash in the middle of a bound epoch's files", () =>
  besideWhole({}, async ({ whole, path }) => {
    await tinyRun(path, { stopAfter: STEPS + 1 });
    await Deno.rename(`${path}/best.safetensors`, `${path}/best_before.safetensors`);
    await Deno.copyFile(`${path}/model.safetensors`, `${path}/best.safetensors`);
    await tinyRun(path, { resume: true });
    await assertSameRun(path, whole, "best_before in place");
    assert.ok(!(await filesIn(path)).includes("best_before.safetensors"));
  }));

Deno.test("Run.resume: refuses a folder without a checkpoint, and a file that is none", () =>
  besideWhole({ settings: { epochs: 1 } }, async ({ whole }) => {
    const checkpoint = `${whole}/checkpoint.safetensors`;
    await Deno.copyFile(`${whole}/model.safetensors`, checkpoint);
    await assert.rejects(tinyRun(whole, { resume: true }), {
      name: "TypeError",
      message:
        `Cannot resume from ${checkpoint}: wanted a checkpoint with its progress, found none`,
    });
    await Deno.remove(checkpoint);
    await assert.rejects(tinyRun(whole, { resume: true }), {
      message: `Cannot read ${checkpoint}: no such file`,
    });
    assert.equal((await timelessLinesOf(whole, "steps.jsonl")).length, STEPS);
  }));
