/**
 * What one rank does in the tests of `lib/mpi`: `mpi_run.ts SCENE,SCENE [LIBRARY]`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { HalfExchange } from "../../lib/mpi/half_exchange.ts";
import { openMpi } from "../../lib/mpi/open_mpi.ts";
import type { World } from "../../lib/mpi/world.ts";
import { randomValues } from "./random.ts";

/** Odd lengths, and some below the number of ranks. */
const LENGTHS = [1, 2, 5, 1023, 70_001];
/** Beyond it, Open MPI 4.1 cuts a sum into segments. */
const LONG = 1_000_003;

async function digest(values: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>> {
  return Float32Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", values)));
}

/** Asserts that every rank holds the same bits. */
async function wantSame(world: World, values: Float32Array<ArrayBuffer>): Promise<void> {
  const mine = await digest(values);
  const all = new Float32Array(mine.length * world.size);
  await world.gather(mine, all);
  for (let rank = 0; rank < world.size; rank++) {
    assert.deepEqual(all.subarray(rank * mine.length, (rank + 1) * mine.length), mine);
  }
}

/** The numbers of a rank, any rank can make them. */
function numbersOf(rank: number, length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(randomValues(length, { seed: rank + 10 * length }));
}

/** Asserts that sums are those of all ranks, to a part of the largest term. */
function wantSums(sums: Float32Array, { size }: World, tolerance: number): void {
  const terms = Array.from({ length: size }, (_, rank) => numbersOf(rank, sums.length));
  let worst = 0;
  for (let at = 0; at < sums.length; at++) {
    const wanted = terms.reduce((sum, values) => sum + (values[at] ?? NaN), 0);
    const off = Math.abs((sums[at] ?? NaN) - wanted);
    worst = off <= worst ? worst : off;
  }
  assert.ok(worst <= tolerance * size, `${sums.length} numbers: off by ${worst}`);
}

const SCENES = {
  async places(world: World): Promise<void> {
    const { rank, size, localRank } = world;
    await world.barrier();
    console.log(`rank ${rank} of ${size}, ${localRank} here`);
  },

  async sums(world: World): Promise<void> {
    for (const length of [...LENGTHS, LONG]) {
      const first = numbersOf(world.rank, length);
      const again = first.slice();
      await Promise.all([world.sum(first), world.sum(again)]);
      wantSums(first, world, 2 ** -23);
      assert.deepEqual(await digest(again), await digest(first));
      await wantSame(world, first);
    }
  },

  async halves(world: World): Promise<void> {
    for (const length of LENGTHS) {
      const half = new HalfExchange(length, { size: world.size });
      const values = numbersOf(world.rank, length);
      const sum = world.sumHalf(values, half);
      // What is asked for meanwhile comes after both parts of the sum.
      await Promise.all([sum, world.barrier()]);
      wantSums(values, world, 2 ** -10);
      await wantSame(world, values);
    }
    const misfit = new HalfExchange(3, { size: world.size });
    await assert.rejects(world.sumHalf(new Float32Array(2), misfit), {
      name: "TypeError",
      message: `Cannot sum 2 numbers of ${world.size} ranks in half precision: the exchange must ` +
        `be made for them, found one for 3 numbers of ${world.size} ranks`,
    });
  },

  async others(world: World): Promise<void> {
    const { rank, size } = world;
    const high = Uint32Array.of(rank, 2 ** 32 - 1 - rank, 7);
    await world.max(high);
    assert.deepEqual([...high], [size - 1, 2 ** 32 - 1, 7]);

    for (const root of [0, size - 1]) {
      const bytes = Uint8Array.from({ length: 12_345 }, (_, at) => rank === root ? at % 251 : 0);
      await world.broadcast(bytes, { root });
      assert.ok(bytes.every((byte, at) => byte === at % 251));
    }
    await assert.rejects(world.broadcast(new Uint8Array(1), { root: size }), {
      name: "RangeError",
      message: `Cannot broadcast: the root must be a rank from 0 to ${size - 1}, found ${size}`,
    });

    const all = new Float32Array(3 * size);
    await world.gather(Float32Array.of(rank, 10 * rank, 0.5), all);
    const wanted = Array.from({ length: size }, (_, other) => [other, 10 * other, 0.5]).flat();
    assert.deepEqual([...all], wanted);
    await assert.rejects(world.gather(new Float32Array(2), all), {
      name: "TypeError",
      message: `Cannot gather 2 numbers from each of ${size} ranks: the list must hold ${
        2 * size
      }, found ${3 * size}`,
    });
  },

  async late(world: World): Promise<void> {
    let ticks = 0;
    if (world.rank === 1) await new Promise((resolve) => setTimeout(resolve, 300));
    const garbage: unknown[] = [];
    const timer = setInterval(() => garbage.push(new Float32Array(ticks++ * 1000)), 10);
    const values = Float32Array.of(world.rank + 1);
    await world.sum(values);
    clearInterval(timer);
    assert.deepEqual([...values], [3]);
    if (world.rank === 0) assert.ok(ticks >= 10, `${ticks} ticks in 300 ms`);
  },

  /** Rank 1 never comes, and rank 0 ends it. */
  async missing(world: World): Promise<void> {
    if (world.rank === 1) await new Promise((resolve) => setTimeout(resolve, 60_000));
    const exchange = world.sum(new Float32Array(3));
    const next = world.barrier();
    await assert.rejects(exchange, (error: Error) => {
      console.error(error.message);
      return error.name === "MpiError";
    });
    await assert.rejects(next, /Cannot sum 3 numbers/);
    await world.abort(7);
  },

  /** Rank 0 sends more than rank 1 has room for. */
  async misfit(world: World): Promise<void> {
    await world.broadcast(new Uint8Array(world.rank === 0 ? 80 : 8));
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  },
};

function isScene(name: string): name is keyof typeof SCENES {
  return name in SCENES;
}

const [names = "", library] = Deno.args;
const scenes = names.split(",");
const timeoutSeconds = scenes.includes("missing") ? 2 : 20;
try {
  await using world = await openMpi({ library, timeoutSeconds });
  for (const scene of scenes) {
    assert.ok(isScene(scene), scene);
    await SCENES[scene](world);
    console.log(`rank ${world.rank}: ${scene}`);
  }
} catch (error) {
  console.error(error instanceof Error && error.name === "MpiError" ? error.message : error);
  Deno.exit(5);
}
