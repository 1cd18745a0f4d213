import assert from "node:assert/strict";
import { join } from "node:path";
import { Kernel } from "../../lib/gpu/kernel.ts";
import type { Question } from "../../lib/gpu/tuning.ts";
import { cacheFolder, TuningCache } from "../../lib/train/tuning_cache.ts";

const ADAPTER = {
  name: "NVIDIA H100 80GB HBM3",
  identity: "4318 9008 NVIDIA H100 80GB HBM3",
  vendor: "NVIDIA",
  isSoftware: false,
  leastSubgroup: 32,
};
const FILE = /^nvidia_h100_80gb_hbm3_[0-9a-f]{8}\.json$/;

function question(change: Partial<Question> = {}): Question {
  return {
    family: "double [*, 4] f32",
    batch: 8,
    variants: ["plain", "twin"],
    fallback: "plain",
    kernels: [new Kernel("plain", "a"), new Kernel("twin", "b")],
    flop: 1,
    imageBytes: 4,
    trial: () => assert.fail("nothing is tried out here"),
    ...change,
  };
}

function answer(variant: string, { isMeasured = true, change = {} } = {}) {
  return { question: question(change), variant, isMeasured };
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Opens a cache and collects what it has to say. */
async function opened(folder: string | null, adapter = ADAPTER) {
  const notes: string[] = [];
  const onNote = (note: string) => void notes.push(note);
  return { cache: await TuningCache.open({ adapter, folder, onNote }), notes };
}

/** Writes a cache with one answer. */
async function written(folder: string) {
  const { cache } = await opened(folder);
  cache.add([answer("twin")], "quick");
  await cache.save();
  return cache.path ?? assert.fail("the cache has no file");
}

Deno.test("cacheFolder: where each platform keeps caches", () => {
  const among = (variables: Record<string, string>) => (name: string) => variables[name];
  const home = among({ HOME: "/home/ada", LOCALAPPDATA: "/local" });
  assert.equal(cacheFolder("linux", home), "/home/ada/.cache/pupil");
  assert.equal(cacheFolder("linux", among({ XDG_CACHE_HOME: "/c", HOME: "/h" })), "/c/pupil");
  assert.equal(cacheFolder("darwin", home), "/home/ada/Library/Caches/pupil");
  assert.equal(cacheFolder("windows", home), join("/local", "pupil"));
  for (const os of ["linux", "darwin", "windows"]) assert.equal(cacheFolder(os, among({})), null);
});

Deno.test("cacheFolder: nobody is asked for a permission", { permissions: { env: false } }, () => {
  assert.equal(cacheFolder(), null);
});

Deno.test("TuningCache: what one process finds out, the next one knows", () =>
  inFolder(async (folder) => {
    const path = await written(join(folder, "not", "there", "yet"));
    assert.match(path.split(/[\\/]/).at(-1) ?? "", FILE);
    const { cache, notes } = await opened(join(folder, "not", "there", "yet"));
    assert.equal(cache.find(question(), "quick"), "twin");
    assert.deepEqual(notes, []);
    const files = await Array.fromAsync(Deno.readDir(join(path, "..")), ({ name }) => name);
    assert.equal(files.length, 1);
  }));

Deno.test("TuningCache: an edited kernel, another variant, batch or type is tuned anew", () =>
  inFolder(async (folder) => {
    await written(folder);
    const { cache } = await opened(folder);
    const changes: Partial<Question>[] = [
      { kernels: [new Kernel("plain", "a"), new Kernel("twin", "c")] },
      { kernels: [new Kernel("plain", "a")] },
      { variants: ["plain", "twin", "gemm"] },
      { variants: ["twin", "plain"] },
      { batch: 4 },
      { family: "double [*, 4] f16" },
    ];
    for (const change of changes) assert.equal(cache.find(question(change), "quick"), null);
  }));

Deno.test("TuningCache: a full tuning asks for more than a quick one found, and not the other way round", () =>
  inFolder(async (folder) => {
    const { cache } = await opened(folder);
    cache.add([answer("twin")], "quick");
    assert.equal(cache.find(question(), "full"), null);
    cache.add([answer("plain")], "full");
    assert.equal(cache.find(question(), "full"), "plain");
    assert.equal(cache.find(question(), "quick"), "plain");
  }));

Deno.test("TuningCache: what was not found out is not kept, and takes nothing's place", () =>
  inFolder(async (folder) => {
    const { cache } = await opened(folder);
    cache.add([answer("plain", { isMeasured: false })], "quick");
    assert.equal(cache.find(question(), "quick"), null);
    cache.add([answer("twin")], "full");
    cache.add([answer("plain", { isMeasured: false })], "full");
    assert.equal(cache.find(question(), "full"), "twin");
  }));

Deno.test("TuningCache: an entry holds for the variants that its effort compares", () =>
  inFolder(async (folder) => {
    const few = { variants: ["plain", "twin", "rows"], quick: ["plain", "twin"] };
    const { cache } = await opened(folder);
    cache.add([answer("twin", { change: few })], "quick");
    assert.equal(cache.find(question(few), "quick"), "twin");
    assert.equal(cache.find(question({ ...few, variants: ["plain", "twin"] }), "quick"), "twin");
    assert.equal(cache.find(question({ ...few, quick: few.variants }), "quick"), null);
    assert.equal(cache.find(question(few), "full"), null);
    cache.add([answer("rows", { change: few })], "full");
    assert.equal(cache.find(question(few), "quick"), "rows");
    assert.equal(cache.find(question({ ...few, variants: ["plain", "rows"] }), "quick"), null);
  }));

Deno.test("TuningCache: each adapter has a file of its own", () =>
  inFolder(async (folder) => {
    await written(folder);
    const other = { ...ADAPTER, identity: "4318 9008 NVIDIA H100 80GB HBM3, another driver" };
    const { cache, notes } = await opened(folder, other);
    assert.equal(cache.find(question(), "quick"), null);
    assert.deepEqual(notes, []);
    await cache.save();
    assert.equal((await Array.fromAsync(Deno.readDir(join(folder, "tuning")))).length, 2);
  }));

Deno.test("TuningCache: a file that cannot be used is ignored with one note, and rewritten", () =>
  inFolder(async (folder) => {
    const path = await written(folder);
    const good = await Deno.readTextFile(path);
    const cases: [string, RegExp][] = [
      ["", /is not JSON$/],
      [good.slice(0, -20), /is not JSON$/],
      ["[]", /is not a cache of the tuner$/],
      ["null", /is not a cache of the tuner$/],
      ['{"entries":[]}', /is not a cache of the tuner$/],
      [good.replace('"deno": "', '"deno": "1.'), /was written for deno 1\.\d.*, this is \d/],
      [good.replace('"pupil": "', '"pupil": "9.'), /was written for pupil 9\.\d.*, this is \d/],
      [good.replace("H100", "H200"), /was written for adapter .*H200.*, this is .*H100/],
    ];
    for (const [text, pattern] of cases) {
      await Deno.writeTextFile(path, text);
      const { cache, notes } = await opened(folder);
      assert.equal(cache.find(question(), "quick"), null, text);
      assert.equal(notes.length, 1, text);
      assert.ok(notes[0]?.startsWith(`the kernels are tuned anew: ${path} `), notes[0]);
      assert.match(notes[0] ?? "", pattern);
      await cache.save();
      assert.deepEqual((await opened(folder)).notes, []);
    }
  }));

Deno.test("TuningCache: an entry that makes no sense is tuned anew, the others stay", () =>
  inFolder(async (folder) => {
    const path = await written(folder);
    const file = JSON.parse(await Deno.readTextFile(path));
    const key = "double [8, 4] f32";
    const entry = file.entries[key];
    const broken = [
      null,
      "twin",
      { ...entry, variant: 1 },
      { ...entry, variant: "gemm" },
      { ...entry, among: "plain,twin" },
      { ...entry, among: ["plain", 2] },
      { ...entry, kernels: null },
      { ...entry, effort: "some" },
    ];
    for (const value of broken) {
      const entries = { [key]: value, "double [4, 4] f32": entry };
      await Deno.writeTextFile(path, JSON.stringify({ ...file, entries }));
      const { cache, notes } = await opened(folder);
      assert.equal(cache.find(question(), "quick"), null, JSON.stringify(value));
      assert.equal(cache.find(question({ batch: 4 }), "quick"), "twin");
      assert.deepEqual(notes, []);
    }
  }));

Deno.test("TuningCache: two writers at once leave one of their files, whole", () =>
  inFolder(async (folder) => {
    const caches = await Promise.all([1, 2, 3, 4].map(() => opened(folder)));
    await Promise.all(caches.map(({ cache }, at) => {
      cache.add([answer("twin", { change: { batch: at } })], "quick");
      return cache.save();
    }));
    const { cache, notes } = await opened(folder);
    const found = [0, 1, 2, 3].filter((batch) => cache.find(question({ batch }), "quick") !== null);
    assert.equal(found.length, 1);
    assert.deepEqual(notes, []);
    assert.equal((await Array.fromAsync(Deno.readDir(join(folder, "tuning")))).length, 1);
  }));

Deno.test("TuningCache: without a folder it lasts as long as the adapter's description", async () => {
  const { cache } = await opened(null);
  assert.equal(cache.path, null);
  cache.add([answer("twin")], "quick");
  await cache.save();
  assert.equal((await opened(null)).cache.find(question(), "quick"), "twin");
  assert.equal((await opened(null, { ...ADAPTER })).cache.find(question(), "quick"), null);
});

Deno.test("TuningCache: a file that cannot be written is done without for the rest of the process, with one note", () =>
  inFolder(async (folder) => {
    const path = await written(folder);
    await Deno.remove(path);
    const adapter = { ...ADAPTER };
    for (
      const [place, read] of [[folder, "cannot be read"], [join(path, "below"), null]] as const
    ) {
      if (read !== null) await Deno.mkdir(path);
      else await Deno.remove(path).then(() => Deno.writeTextFile(path, ""));
      const { cache, notes } = await opened(place, adapter);
      assert.deepEqual(notes, read === null ? [] : [`the kernels are tuned anew: ${path} ${read}`]);
      cache.add([answer("twin")], "quick");
      if (read === null) await assert.rejects(cache.save(), /^Error: the choice of kernels is not/);
      await cache.save();
      const later = await opened(place, adapter);
      assert.equal(later.cache.find(question(), "quick"), "twin");
      assert.deepEqual(later.notes, []);
    }
  }));

Deno.test("TuningCache: nothing is kept where files may not be written", {
  permissions: { env: "inherit", read: true, write: false },
}, async () => {
  const { cache, notes } = await opened("/somewhere");
  assert.equal(cache.path, null);
  assert.deepEqual(notes, []);
});
