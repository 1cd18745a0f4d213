import assert from "node:assert/strict";
import { RunFolder } from "../../lib/train/run_folder.ts";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).sort();
}

Deno.test("RunFolder.create: makes the folder and those above, or takes an empty one", () =>
  inFolder(async (folder) => {
    const run = await RunFolder.create(`${folder}/a/b/run`);
    assert.equal(run.path, `${folder}/a/b/run`);
    assert.equal(run.name, "run");
    assert.equal((await RunFolder.create(run.path)).path, run.path);
    assert.equal((await RunFolder.create(`${folder}/c/`)).name, "c");
  }));

Deno.test("RunFolder.create: refuses what is there and changes nothing", () =>
  inFolder(async (folder) => {
    const run = await RunFolder.create(`${folder}/run`);
    await run.writeConfig({ depth: 16 });
    const before = await Deno.readTextFile(run.file("config.json"));
    await assert.rejects(
      RunFolder.create(run.path),
      /found config\.json in it; choose another --save$/,
      "somebody's config.json",
    );
    await run.write("checkpoint.safetensors", "");
    await assert.rejects(RunFolder.create(run.path), {
      name: "RangeError",
      message: `Cannot start a run in ${run.path}: expected a new or empty folder, found ` +
        "config.json in it; continue it with --resume, or choose another --save",
    });
    assert.equal(await Deno.readTextFile(run.file("config.json")), before);
    await Deno.mkdir(`${folder}/other/b`, { recursive: true });
    await assert.rejects(
      RunFolder.create(`${folder}/other`),
      /found b in it; choose another --save$/,
    );
    await Deno.writeTextFile(`${folder}/file`, "text");
    await assert.rejects(
      RunFolder.create(`${folder}/file`),
      /found a file; choose another --save$/,
    );
    await assert.rejects(
      RunFolder.create(`${folder}/file/run`),
      /expected a folder at .*file, found/,
    );
    assert.deepEqual(await namesIn(folder), ["file", "other", "run"]);
  }));

Deno.test("RunFolder.create: numbered, takes the first free name", () =>
  inFolder(async (folder) => {
    const runs = [];
    for (let count = 0; count < 3; count++) {
      runs.push(await RunFolder.create(`${folder}/run`, { numbered: true }));
    }
    assert.deepEqual(runs.map(({ name }) => name), ["run", "run_2", "run_3"]);
    await Deno.remove(`${folder}/run_2`);
    const next = await RunFolder.create(`${folder}/run`, { numbered: true });
    assert.equal(next.name, "run_2");
  }));

Deno.test("RunFolder.create: numbered, runs started at once get folders of their own", () =>
  inFolder(async (folder) => {
    const runs = await Promise.all(
      Array.from({ length: 8 }, () => RunFolder.create(`${folder}/run`, { numbered: true })),
    );
    assert.equal(new Set(runs.map(({ path }) => path)).size, 8);
  }));

Deno.test("RunFolder.open: only a folder will do", () =>
  inFolder(async (folder) => {
    assert.equal((await RunFolder.open(folder)).path, folder);
    await Deno.writeTextFile(`${folder}/file`, "");
    await assert.rejects(RunFolder.open(`${folder}/file`), /expected a folder, found file$/);
    await assert.rejects(RunFolder.open(`${folder}/none`), /expected a folder, found nothing$/);
  }));

Deno.test("RunFolder.hold: one process trains in a folder, which counts as empty after it", () =>
  inFolder(async (folder) => {
    const run = await RunFolder.create(`${folder}/run`);
    {
      using _held = await run.hold();
      await assert.rejects((await RunFolder.open(run.path)).hold(), {
        name: "RangeError",
        message:
          `Cannot train in ${run.path}: expected no other process at work there, found one, ` +
          `which holds ${run.path}/run.lock`,
      });
    }
    using _again = await (await RunFolder.create(run.path)).hold();
  }));

Deno.test("RunFolder.create: takes what a run left that ended before anything was saved", () =>
  inFolder(async (folder) => {
    const run = await RunFolder.create(`${folder}/run`);
    {
      using _held = await run.hold();
      await run.writeConfig({ depth: 16 });
      await run.appendLine("steps.jsonl", '{"step":0}');
      await run.write("checkpoint.safetensors.0-1.part", "half");
      assert.ok(await run.isUnsaved());
      const second = await RunFolder.create(run.path);
      await assert.rejects(second.hold(), /found one, which holds/);
    }
    const again = await RunFolder.create(run.path);
    using _held = await again.hold();
    assert.deepEqual(await namesIn(run.path), ["config.json", "run.lock", "steps.jsonl"]);
    for (const name of ["log.txt", "model.safetensors", "checkpoint.safetensors", "notes.txt"]) {
      await run.write(name, "");
      await assert.rejects(RunFolder.create(run.path), /^RangeError: Cannot start a run in/, name);
      assert.equal(await run.isUnsaved(), name === "notes.txt", name);
      await run.remove(name);
    }
  }));

Deno.test("RunFolder.discard: frees the name of a run that failed at its start, and no other's", () =>
  inFolder(async (folder) => {
    const run = await RunFolder.create(`${folder}/run`);
    const start = async ({ step = "", saved = "" } = {}) => {
      const made = await RunFolder.create(run.path);
      using _held = await made.hold();
      await made.writeConfig({ depth: 16 });
      await made.write("steps.jsonl", step);
      if (saved !== "") await made.write(saved, "");
      return made;
    };
    await start();
    {
      using _held = await run.hold();
      await assert.rejects(run.discard(), /expected no other process at work there/);
    }
    await run.discard();
    assert.deepEqual(await namesIn(folder), []);

    await Deno.mkdir(run.path);
    const given = await start();
    await given.discard();
    assert.deepEqual(await namesIn(run.path), ["run.lock"], "a folder that was there stays");
    await (await start({ step: '{"step":0}\n' })).discard();
    assert.deepEqual(await namesIn(run.path), ["config.json", "run.lock", "steps.jsonl"]);
    const saved = await start({ saved: "checkpoint.safetensors" });
    await saved.discard();
    assert.ok(await saved.has("checkpoint.safetensors") && await saved.has("config.json"));
  }));

Deno.test("RunFolder.appendLine: an error names the file", () =>
  inFolder(async (folder) => {
    const run = await RunFolder.create(`${folder}/run`);
    await Deno.mkdir(run.file("log.txt"));
    await assert.rejects(run.appendLine("log.txt", "a"), /^Error: Cannot write .*log\.txt: /);
  }));

Deno.test("RunFolder.readConfig: gives what was written, and names what is wrong", () =>
  inFolder(async (folder) => {
    const run = await RunFolder.open(folder);
    await assert.rejects(run.readConfig(), /expected the settings of a run, found no file$/);
    await run.writeConfig({ depth: 16, epoch_step: [60], max_steps: null });
    assert.deepEqual(await run.readConfig(), { depth: 16, epoch_step: [60], max_steps: null });
    for (const [text, found] of [["[1]", "\\[1\\]"], ["null", "null"], ['{"a', "text that is"]]) {
      await run.write("config.json", text ?? "");
      await assert.rejects(run.readConfig(), new RegExp(`an object of settings, found ${found}`));
    }
  }));

Deno.test("RunFolder.write: leaves nothing beside the file", () =>
  inFolder(async (folder) => {
    const run = await RunFolder.open(folder);
    await run.write("model", new Uint8Array([1, 2]));
    await run.write("model", new Uint8Array([3]));
    assert.deepEqual(await Deno.readFile(run.file("model")), new Uint8Array([3]));
    assert.deepEqual(await namesIn(folder), ["model"]);
  }));

Deno.test("RunFolder.appendLine: adds whole lines, one at a time", () =>
  inFolder(async (folder) => {
    const run = await RunFolder.open(folder);
    await run.appendLine("log.txt", "a");
    await run.appendLine("log.txt", "b");
    await assert.rejects(run.appendLine("log.txt", "c\nd"), /expected one line/);
    assert.equal(await Deno.readTextFile(run.file("log.txt")), "a\nb\n");
  }));

Deno.test("RunFolder.dropLinesFrom: drops the first match, all after it, and a torn line", () =>
  inFolder(async (folder) => {
    const run = await RunFolder.open(folder);
    const cases: [before: string, after: string][] = [
      ["1\n2\n3\n1\n", "1\n2\n"],
      ["1\n2\n", "1\n2\n"],
      ["1\n2\n3", "1\n2\n"],
      ["1\n3\n2", "1\n"],
      ["3\n", ""],
      ["3", ""],
      ["", ""],
    ];
    for (const [before, after] of cases) {
      await run.write("steps.jsonl", before);
      await run.dropLinesFrom("steps.jsonl", (line) => Number(line) >= 3);
      assert.equal(await Deno.readTextFile(run.file("steps.jsonl")), after, before);
    }
    await run.dropLinesFrom("none", () => true);
    assert.deepEqual(await namesIn(folder), ["steps.jsonl"]);
  }));
