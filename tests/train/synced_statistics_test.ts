import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { Program } from "../../lib/gpu/program.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { gradients } from "../../lib/gradients.ts";
import { soloWorld } from "../../lib/mpi/solo_world.ts";
import type { World } from "../../lib/mpi/world.ts";
import { batchNorm } from "../../lib/ops/batch_norm.ts";
import { copyInto } from "../../lib/ops/copy.ts";
import { watch } from "../../lib/tape.ts";
import { Exchange } from "../../lib/train/exchange.ts";
import { mergeMoments, SyncedStatistics } from "../../lib/train/synced_statistics.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";

Deno.test("mergeMoments: means and squares of all rows, a rank without rows left out", () => {
  // Two channels: rank 0 has the rows (1, 5) and (3, 5), rank 1 none, rank 2 the row (8, 11).
  const all = Float32Array.of(2, 2, 5, 2, 0, 0, NaN, NaN, NaN, NaN, 1, 8, 11, 0, 0);
  const merged = new Float32Array(4);
  mergeMoments(all, merged);
  assert.deepEqual([...merged], [4, 7, 26, 24]);
});

/** Ranks of this process: what each brings to an exchange, all get once the last has come. */
function ranksHere(size: number): World[] {
  let brought: Float32Array[] = [];
  let met = Promise.withResolvers<readonly Float32Array[]>();
  const meet = (rank: number, values: Float32Array) => {
    const { promise, resolve } = met;
    brought[rank] = values.slice();
    if (Object.keys(brought).length === size) {
      resolve(brought);
      [brought, met] = [[], Promise.withResolvers()];
    }
    return promise;
  };
  return Array.from({ length: size }, (_, rank) =>
    Object.assign(soloWorld(), {
      rank,
      size,
      async gather(mine: Float32Array, all: Float32Array) {
        (await meet(rank, mine)).forEach((values, at) => all.set(values, at * mine.length));
      },
      async sum(values: Float32Array) {
        const all = await meet(rank, values);
        values.set(values.map((_, at) => all.reduce((sum, other) => sum + (other[at] ?? 0), 0)));
      },
    }));
}

const CHANNELS = 3;
const RANKS = 3;
const X = [1, -2, 0.5, 4, 3, 0.25, -1, 0.75, 2];
const DY = [0.5, 1, -1, 2, 0.125, 3, 0.25, -2, 1];

/** Normalises rows of one value a channel, and gives the results and the gradients of those. */
function normalise(gpu: Gpu, from: number, to: number): { y: Tensor; dx: Tensor } {
  const vector = (value: number) => gpu.tensor(Array(CHANNELS).fill(value), [CHANNELS]);
  const shape = [(to - from) / CHANNELS, 1, 1, CHANNELS];
  const x = watch(gpu.tensor(X.slice(from, to), shape));
  const y = batchNorm(x, {
    weight: vector(2),
    bias: vector(1),
    runningMean: vector(0),
    runningVariance: vector(1),
    training: true,
  });
  const [dx = y] = gradients(y, [x], { upstream: gpu.tensor(DY.slice(from, to), shape) });
  return { y, dx };
}

Deno.test("SyncedStatistics: ranks of one value a channel normalise as one process with all of them", async () => {
  const gpu = await testGpu();
  const alone = normalise(gpu, 0, X.length);
  const found = await Promise.all(
    ranksHere(RANKS).map(async (world) => {
      using synced = new SyncedStatistics(gpu, world);
      using exchange = new Exchange(gpu, [], gpu.zeros([1]), { world });
      const results = { y: gpu.zeros([CHANNELS]), dx: gpu.zeros([CHANNELS]) };
      synced.begin({ batch: 1, whole: RANKS });
      synced.images = 1;
      const from = world.rank * CHANNELS;
      using program = await Program.record(gpu, {
        label: `rank ${world.rank}`,
        build: () => {
          gpu.synchroniser = synced;
          const { y, dx } = normalise(gpu, from, from + CHANNELS);
          gpu.synchroniser = null;
          copyInto(y, results.y, { offset: 0 });
          copyInto(dx, results.dx, { offset: 0 });
          return null;
        },
      });
      await exchange.run(program, { ends: false });
      return { y: await results.y.read(), dx: await results.dx.read() };
    }),
  );
  for (const name of ["y", "dx"] as const) {
    const wanted = await alone[name].read();

    assertClose(found.flatMap((rank) => [...rank[name]]), wanted, { atol: 1e-5, what: name });
  }
});
