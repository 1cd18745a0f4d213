import assert from "node:assert/strict";
import { questionKey } from "../../lib/gpu/tuning.ts";
import { RunFolder } from "../../lib/train/run_folder.ts";
import { readVariants } from "../../lib/train/read_variants.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { TuningCache } from "../../lib/train/tuning_cache.ts";
import { testGpu } from "../support/gpu.ts";
import { tinyQuestions, tinyRun } from "../support/tiny_run.ts";

const SETTINGS = { epochs: 2 };

/** A folder of runs. */
async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Fills a folder's cache as if the tuner had found one of its variants the fastest, each time. */
async function fillCache(cacheFolder: string, at: number): Promise<void> {
  const { adapter } = await testGpu();
  const cache = await TuningCache.open({ adapter, folder: cacheFolder });
  const questions = await tinyQuestions();
  const answers = questions.map((question) => {
    const { variants, fallback } = question;
    return { question, variant: variants.at(at) ?? fallback, isMeasured: true };
  });
  cache.add(answers, "full");
  await cache.save();
}

async function variantsOf(path: string): Promise<Record<string, string>> {
  return { ...readVariants(await (await RunFolder.open(path)).readConfig(), path) };
}

/** Rewrites a run's config.json. */
async function rewrite(path: string, variants: Record<string, string> | undefined): Promise<void> {
  const folder = await RunFolder.open(path);
  await folder.writeConfig({ ...await folder.readConfig(), variants });
}

async function assertSameModel(path: string, whole: string): Promise<void> {
  const bytes = (run: string) => Deno.readFile(`${run}/model.safetensors`);
  assertSameBytes(await bytes(path), await bytes(whole), path);
}

Deno.test("Run: a resumed run keeps its kernels, whatever cache and --autotune say by then", () =>
  inFolder(async (folder) => {
    const [whole, path, other] = [`${folder}/whole`, `${folder}/run`, `${folder}/other`];
    const options = { settings: SETTINGS, cacheFolder: folder };
    await fillCache(folder, 0);
    await tinyRun(whole, { ...options, autotune: "quick" });
    const tuned = await variantsOf(whole);
    assert.ok(Object.keys(tuned).length >= 5);
    assert.deepEqual(new Set(Object.values(tuned)), new Set(["plain"]));
    await tinyRun(path, { ...options, autotune: "quick", stopAfter: 3 });
    assert.deepEqual(await variantsOf(path), tuned);
    await fillCache(folder, -1);
    const onTuning = () => assert.fail("a resumed run was tuned");
    await tinyRun(path, { ...options, autotune: "full", resume: true, onTuning });
    assert.deepEqual(await variantsOf(path), tuned);
    await assertSameModel(path, whole);
    await tinyRun(other, { ...options, autotune: "quick", onTuning });
    assert.ok(!Object.values(await variantsOf(other)).includes("plain"));
    await assert.rejects(assertSameModel(other, whole));
  }));

Deno.test("Run: a kernel that this adapter cannot run gives way to the fixed table's, with a note", () =>
  inFolder(async (folder) => {
    const [whole, path] = [`${folder}/whole`, `${folder}/run`];
    await tinyRun(whole, { settings: SETTINGS });
    const table = await variantsOf(whole);
    await tinyRun(path, { settings: SETTINGS, stopAfter: 3 });
    const [key = ""] = Object.keys(table);
    await rewrite(path, { ...table, [key]: "tensor_cores" });
    const notes: string[] = [];
    const onNote = (note: string) => void notes.push(note);
    await tinyRun(path, { settings: SETTINGS, resume: true, onNote });
    assert.equal(notes.length, 1);
    assert.ok(notes[0]?.startsWith(`${key}: the run used tensor_cores, which cannot run here; `));
    assert.deepEqual(await variantsOf(path), table);
    await assertSameModel(path, whole);
  }));

Deno.test("Run: one of before there were variants goes on with the fixed table", () =>
  inFolder(async (folder) => {
    const [whole, path] = [`${folder}/whole`, `${folder}/run`];
    await tinyRun(whole, { settings: SETTINGS });
    await tinyRun(path, { settings: SETTINGS, stopAfter: 3 });
    await rewrite(path, undefined);
    const onTuning = () => assert.fail("a resumed run was tuned");
    await tinyRun(path, { settings: SETTINGS, resume: true, autotune: "quick", onTuning });
    assert.deepEqual(await variantsOf(path), await variantsOf(whole));
    await assertSameModel(path, whole);
  }));

Deno.test("Run: one that was stopped while its kernels were tuned tunes them when it is resumed", () =>
  inFolder(async (folder) => {
    const [whole, path] = [`${folder}/whole`, `${folder}/run`];
    const options = { settings: SETTINGS, autotune: "quick" as const, cacheFolder: folder };
    assert.equal(await tinyRun(path, { ...options, stopAfter: 0 }), false);
    assert.deepEqual(await variantsOf(path), {});
    await fillCache(folder, 0);
    await tinyRun(path, { ...options, resume: true });
    await tinyRun(whole, options);
    assert.deepEqual(await variantsOf(path), await variantsOf(whole));
    assert.ok(Object.values(await variantsOf(path)).includes("plain"));
    await assertSameModel(path, whole);
  }));

Deno.test("Run: training and evaluation, in full and short batches, run what config.json says", () =>
  inFolder(async (folder) => {
    const { tuning } = await testGpu();
    const choose = tuning.choose.bind(tuning);
    const ran = new Map<string, string>();
    await fillCache(folder, -1);
    try {
      // Rehearsals ask as well, before the programs do: what counts is the last answer.
      tuning.choose = (question) => {
        const variant = choose(question);
        if (question.variants.length > 1) ran.set(questionKey(question), variant);
        return variant;
      };
      const options = { settings: SETTINGS, autotune: "quick" as const, cacheFolder: folder };
      await tinyRun(`${folder}/run`, options);
    } finally {
      tuning.choose = choose;
    }
    const batches = new Set([...ran.keys()].map((key) => Number(/\[(\d+),/.exec(key)?.[1])));
    assert.deepEqual(batches, new Set([4, 2]));
    assert.ok(![...ran.values()].includes("plain"));
  }));
