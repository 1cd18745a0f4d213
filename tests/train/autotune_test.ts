import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { Program } from "../../lib/gpu/program.ts";
import { gradients } from "../../lib/gradients.ts";
import type { Model } from "../../lib/models/model.ts";
import { resNet } from "../../lib/models/resnet.ts";
import { RESNET_WIDTHS, resNetBlocks } from "../../lib/models/resnet_sizes.ts";
import { wideResNet } from "../../lib/models/wide_resnet.ts";
import { groupWidths } from "../../lib/models/wide_resnet_sizes.ts";
import { sum } from "../../lib/ops/sum.ts";
import { type ChoiceOptions, chooseVariants } from "../../lib/train/autotune.ts";
import { doubled, doublingOf } from "../support/doubling.ts";
import { cardGpu, hollowCard, limitWorkgroupMemory, softwareGpu } from "../support/gpu.ts";

const VARIANTS = ["plain", "twin", "greedy"];
const FAMILY = "double [*, 4] f32";

/** Chooses for a call of eight images and one of three, with a timer by which the last variant is the fastest. */
async function chosen({ on, ...options }: Partial<ChoiceOptions> & { on?: Gpu } = {}) {
  const gpu = on ?? await softwareGpu();
  const batches: number[] = [];
  const notes: string[] = [];
  const states: number[] = [];
  const rehearsals = [8, 3].map((batch) => () => void doubled(gpu.empty([batch, 4]), VARIANTS));
  const variants = await chooseVariants(gpu, {
    rehearsals,
    cacheFolder: null,
    time: (_gpu, works) => {
      batches.push(works.length);
      return Promise.resolve(works.map((_, at) => [1 / (1 + at)]));
    },
    onNote: (note) => void notes.push(note),
    onProgress: ({ done, total }) => void states.push(done, total),
    ...options,
  });
  return { variants, notes, timed: batches.length, states };
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("chooseVariants: off is the fixed table, the default on a software adapter", async () => {
  for (const options of [{}, { autotune: "off" as const }]) {
    const { variants, timed, states } = await chosen(options);
    assert.deepEqual(variants, { [FAMILY]: "plain" });
    assert.deepEqual([timed, states.length], [0, 0]);
  }
});

Deno.test("chooseVariants: tunes a family once, keeps what it found, and asks for more only in full", () =>
  inFolder(async (cacheFolder) => {
    const first = await chosen({ autotune: "quick", cacheFolder });
    assert.deepEqual(first.variants, { [FAMILY]: "twin" });
    assert.deepEqual(first.states, [0, 1, 1, 1]);
    assert.match(first.notes.join(), /^double \[8, 4\] f32: left out greedy: Cannot dispatch/);
    const again = await chosen({ autotune: "quick", cacheFolder });
    assert.deepEqual(again, { variants: { [FAMILY]: "twin" }, notes: [], timed: 0, states: [] });
    assert.equal((await chosen({ autotune: "full", cacheFolder })).timed, 1);
    assert.equal((await chosen({ autotune: "full", cacheFolder })).timed, 0);
    assert.equal((await chosen({ autotune: "quick", cacheFolder })).timed, 0);
  }));

async function assertEndsInTime(gpu: Gpu): Promise<void> {
  await inFolder(async (cacheFolder) => {
    let clock = 0;
    const options = {
      on: gpu,
      rehearsals: Array.from({ length: 13 }, (_, at) => () => {
        doubled(gpu.empty([1, 4 * at + 4]), ["plain", "twin"]);
      }),
      autotune: "quick" as const,
      cacheFolder,
      now: () => clock,
      time: (_gpu: unknown, works: readonly unknown[]) => {
        clock += 5000;
        return Promise.resolve(works.map((_, at) => [1 / (1 + at)]));
      },
    };
    const { variants, notes, states } = await chosen(options);
    const names = Object.values(variants ?? {});
    assert.equal(names.length, 13);
    assert.deepEqual(names.filter((name) => name === "plain").length, 3);
    assert.ok(clock <= 60_000, `${clock} ms`);
    assert.deepEqual(notes, [
      "the fixed table chooses 3 of 13 kernels: tuning them would take longer than 50 s",
    ]);
    assert.deepEqual(states.slice(-2), [13, 13]);
    const ended = clock;
    const again = await chosen(options);
    assert.equal(clock - ended, 15_000);
    assert.deepEqual(Object.values(again.variants ?? {}), Array(13).fill("twin"));
    assert.deepEqual([again.notes, (await chosen(options)).states], [[], []]);
  });
}

Deno.test("chooseVariants: a quick tuning ends in time, and the next one tunes what is left", async () => {
  await assertEndsInTime(await softwareGpu());
  using gpu = await cardGpu();
  await assertEndsInTime(gpu);
});

/** What work takes, in milliseconds: a wait and the slowest convolution as on an H200, writing as on a slow machine. */
const COMPILE = 100;
const WAIT = 11.4;
const FLOP = 1 / 3e9;
const WRITTEN_BYTE = 1 / 2e5;

/** Tunes a network of a training at batch 128 as on a card, and counts what that takes. */
async function tunedOnCard({ makeModel, side }: { makeModel: (gpu: Gpu) => Model; side: number }) {
  const { gpu, work } = await hollowCard();
  using _gpu = gpu;
  limitWorkgroupMemory(gpu, 32768);
  using model = makeModel(gpu);
  work.bytesWritten = 0; // beside the parameters
  let [timed, computing] = [0, 0];
  const other = () =>
    (work.reads + 2 * timed) * WAIT + work.bytesWritten * WRITTEN_BYTE + computing;
  const notes: string[] = [];
  const rehearse = () => {
    const { logits } = model.apply(gpu.empty([128, side, side, 3]), { training: true });
    gradients(sum(logits, { keep: "none" }), model.parameters.trainable);
  };
  const choose = () =>
    chooseVariants(gpu, {
      rehearsals: [rehearse],
      autotune: "quick",
      cacheFolder: null,
      onNote: (note) => void notes.push(note),
      now: () => work.compiles * COMPILE + other(),
      // All variants are as fast, so that none is out of the race after the first look.
      time: (_gpu, works, { samples = NaN, seconds = NaN } = {}) => {
        timed++;
        for (const program of works) {
          assert.ok(program instanceof Program);
          const once = FLOP * program.plan.dispatches.reduce((sum, { flop }) => sum + flop, 0);
          computing += once * (3 + samples * Math.max(1, Math.ceil(1000 * seconds / once)));
        }
        return Promise.resolve(works.map(() => [1]));
      },
    });
  const variants = await choose();
  const otherSeconds = other() / 1000;
  const { compiles, reads, bytesRead, mostBytes } = work;
  await choose();
  assert.equal(work.reads, reads);
  return {
    families: Object.keys(variants ?? {}).length,
    notes,
    counts: { compiles, trials: reads, bytesRead, timed },
    mostBytes,
    otherSeconds,
  };
}

Deno.test("chooseVariants: on a card, all of WRN-16-1 and of ResNet-18 is tuned in 20 s beside compiling", async () => {
  const wide = await tunedOnCard({
    makeModel: (gpu) =>
      wideResNet(gpu, { depth: 16, widths: groupWidths(1), classes: 10, seed: 0 }),
    side: 32,
  });
  assert.deepEqual([wide.families, wide.notes], [26, []]);
  assert.deepEqual(wide.counts, { compiles: 137, trials: 108, bytesRead: 16 * 108, timed: 52 });
  assert.ok(wide.otherSeconds < 20, `${wide.otherSeconds} s`);
  assert.ok(wide.mostBytes < 1e8, `${wide.mostBytes} bytes`);
  const sizes = { blocks: resNetBlocks(18), widths: RESNET_WIDTHS, stem: 64, classes: 1000 };
  const deep = await tunedOnCard({
    makeModel: (gpu) => resNet(gpu, { ...sizes, seed: 0 }),
    side: 224,
  });
  assert.deepEqual([deep.families, deep.notes], [35, []]);
  assert.deepEqual(deep.counts, { compiles: 171, trials: 142, bytesRead: 16 * 142, timed: 70 });
  assert.ok(deep.otherSeconds < 20, `${deep.otherSeconds} s`);
  assert.ok(deep.mostBytes < 3e8, `${deep.mostBytes} bytes`);
});

Deno.test("chooseVariants: an earlier run's choices are kept, whatever the cache says", () =>
  inFolder(async (cacheFolder) => {
    await chosen({ autotune: "full", cacheFolder });
    const cases = [
      [{ [FAMILY]: "greedy" }, { [FAMILY]: "greedy" }],
      [{ [FAMILY]: "greedy", "double [3, 4] f32": "twin" }, {
        [FAMILY]: "greedy",
        "double [3, 4] f32": "twin",
      }],
      [{ "double [8, 4] f32": "twin" }, { [FAMILY]: "twin", "double [3, 4] f32": "plain" }],
      [{ "double [*, 8] f32": "twin" }, { [FAMILY]: "plain" }],
      [{}, { [FAMILY]: "plain" }],
    ] as const;
    for (const [variants, wanted] of cases) {
      const found = await chosen({ autotune: "full", cacheFolder, variants: { ...variants } });
      assert.deepEqual(found, { variants: { ...wanted }, notes: [], timed: 0, states: [] });
    }
  }));

Deno.test("chooseVariants: an earlier choice that cannot run here is noted once, and the fixed table's taken", async () => {
  const { variants, notes } = await chosen({ variants: { [FAMILY]: "tensor_cores" } });
  assert.deepEqual(variants, { [FAMILY]: "plain" });
  assert.deepEqual(notes, [
    `${FAMILY}: the run used tensor_cores, which cannot run here; ` +
    "from now on it uses plain, which may round differently",
  ]);
});

Deno.test("chooseVariants: an abort leaves nothing chosen, and what was tuned by then is kept", () =>
  inFolder(async (cacheFolder) => {
    const gpu = await softwareGpu();
    const rehearsals = [4, 8].map((size) => () =>
      void doubled(gpu.empty([1, size]), ["plain", "twin"])
    );
    const controller = new AbortController();
    const stopped = await chosen({
      rehearsals,
      cacheFolder,
      autotune: "full",
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    assert.deepEqual([stopped.variants, stopped.timed], [null, 1]);
    const { variants, timed } = await chosen({ rehearsals, cacheFolder, autotune: "full" });
    assert.equal(timed, 1);
    assert.deepEqual(Object.values(variants ?? {}), ["twin", "twin"]);
  }));

Deno.test("chooseVariants: a cache that cannot be written is a note, not a failure", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/tuning`, "");
    const { variants, notes } = await chosen({ autotune: "full", cacheFolder: folder });
    assert.deepEqual(variants, { [FAMILY]: "twin" });
    assert.equal(notes.length, 2);
    assert.match(notes[1] ?? "", /^the choice of kernels is not kept: .*tuning'$/);
    const again = await chosen({ autotune: "full", cacheFolder: folder });
    assert.deepEqual([again.variants, again.timed, again.notes], [variants, 0, []]);
  }));

Deno.test("chooseVariants: trial calls of a quick tuning on a software adapter have few images", async () => {
  const gpu = await softwareGpu();
  const sizes: number[] = [];
  for (const autotune of ["quick", "full"] as const) {
    const { trial, ...question } = doublingOf(gpu, {
      variants: ["plain", "twin"],
      batch: 100,
      size: 4,
    });
    const watched = (batch: number) => {
      sizes.push(batch);
      return trial(batch);
    };
    const ask = () =>
      void gpu.tuning.choose({ ...question, family: `${autotune} *`, trial: watched });
    await chosen({ autotune, rehearsals: [ask] });
  }
  assert.deepEqual(sizes, [16, 100]);
});
