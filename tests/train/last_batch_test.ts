import assert from "node:assert/strict";
import { foldedResNet } from "../../lib/models/folded_resnet.ts";
import { soloWorld } from "../../lib/mpi/solo_world.ts";
import type { Model } from "../../lib/models/model.ts";
import { resNet } from "../../lib/models/resnet.ts";
import { wantTrainableBatches } from "../../lib/train/last_batch.ts";
import type { StepOptions } from "../../lib/train/step_options.ts";
import { testGpu } from "../support/gpu.ts";
import { tinyModel, tinySet } from "../support/tiny.ts";

const SIZES = { blocks: [1, 1, 1, 1], widths: [4, 4, 4, 4], stem: 4, classes: 4 } as const;

function check(
  networks: { model: Model; teacher?: Model },
  { count, side = 32, ranks = 1, ...options }: StepOptions & {
    count: number;
    side?: number;
    ranks?: number;
  },
): void {
  const { train, ...set } = tinySet({ train: 1, test: 1 });
  const data = { ...set, size: side, train: { ...train, count } };
  const world = Object.assign(soloWorld(), { size: ranks });
  wantTrainableBatches({ teacher: null, ...networks }, { data, options: { ...options, world } });
}

Deno.test("wantTrainableBatches: names the batch left over and the sizes that would do", async () => {
  using model = resNet(await testGpu(), { ...SIZES, seed: 0 });
  const { name } = model;
  const fault = "Cannot normalise x in training: wanted more than one value a channel, found 1";
  for (
    const [options, found] of [
      [{ count: 7, batchSize: 3 }, "1 of 7 images is left for the last batch of 3|4"],
      [{ count: 7, batchSize: 6 }, "1 of 7 images is left for the last batch of 6|5 or 7"],
      [
        { count: 129, batchSize: 128 },
        "1 of 129 images is left for the last batch of 128|127 or 129",
      ],
      [
        { count: 13, batchSize: 8, accumulate: 2 },
        "1 of 13 images is left for the last batch of 4|10",
      ],
      [{ count: 8, batchSize: 1 }, "each batch is one image|2"],
      [{ count: 3, batchSize: 1 }, "each batch is one image|3"],
      [{ count: 8, batchSize: 1, shuffle: false }, "each batch is one image|2"],
    ] as const
  ) {
    const [where, sizes] = found.split("|");
    assert.throws(() => check({ model }, options), {
      name: "RangeError",
      message: `Cannot train ${name}: ${where}, which cannot be normalised; ` +
        `use --batch_size ${sizes} (${fault})`,
    });
    for (const batchSize of (sizes ?? "").split(" or ").map(Number)) {
      check({ model }, { ...options, batchSize });
    }
  }
  assert.throws(() => check({ model }, { count: 1 }), /use more than one training image/);
});

Deno.test("wantTrainableBatches: no rank may have one image alone, or none, of a batch", async () => {
  using model = resNet(await testGpu(), { ...SIZES, seed: 0 });
  for (
    const [options, found] of [
      [
        { count: 67, batchSize: 32, ranks: 2 },
        "of the 3 images left for the last batch of 32, one of 2 ranks has 1|" +
        "--batch_size 31 or 34, or --sync_bn",
      ],
      [
        { count: 66, batchSize: 32, ranks: 3 },
        "of the 2 images left for the last batch of 32, one of 3 ranks has 0|" +
        "--batch_size 30 or 33, or --sync_bn",
      ],
      [
        { count: 64, batchSize: 4, ranks: 4 },
        "of the 4 images of a batch, one of 4 ranks has 1|--batch_size 8, or --sync_bn",
      ],
      [
        { count: 65, batchSize: 32, ranks: 2 },
        "of the 1 image left for the last batch of 32, one of 2 ranks has 0|--batch_size 30 or 33",
      ],
      [
        { count: 24, batchSize: 12, accumulate: 2, ranks: 4 },
        "of the 6 images of a batch, one of 4 ranks has 1|--batch_size 16, or --sync_bn",
      ],
      [
        { count: 5, batchSize: 128, ranks: 3 },
        "of the 5 images of a batch, one of 3 ranks has 1|fewer ranks or --sync_bn",
      ],
    ] as const
  ) {
    const [where = "", advice = ""] = found.split("|");
    assert.throws(() => check({ model }, options), {
      name: "RangeError",
      message: `Cannot train ${model.name}: ${where}, which cannot be normalised; use ${advice} ` +
        "(Cannot normalise x in training: wanted more than one value a channel, found 1)",
    });
    const sizes = advice.match(/\d+/g) ?? [];
    for (const batchSize of sizes.map(Number)) check({ model }, { ...options, batchSize });
    if (advice.includes("--sync_bn")) check({ model }, { ...options, syncsStatistics: true });
    else assert.throws(() => check({ model }, { ...options, syncsStatistics: true }));
    check({ model }, { ...options, side: 33 });
  }
});

Deno.test("wantTrainableBatches: one image goes wherever batch normalisation allows it", async () => {
  const gpu = await testGpu();
  using model = resNet(gpu, { ...SIZES, seed: 0 });
  using tiny = tinyModel(gpu);
  const one = { count: 7, batchSize: 3 };
  check({ model }, { ...one, side: 33 });
  check({ model }, { ...one, shuffle: false });
  check({ model }, { ...one, statistics: { student: "running" } });
  assert.throws(
    () => check({ model: tiny, teacher: model }, { ...one, statistics: { teacher: "batch" } }),
    /cannot be normalised/,
  );
  check({ model: tiny, teacher: model }, one);
  using folded = foldedResNet(gpu, { ...SIZES, seed: 0 });
  check({ model: folded }, one);
});
