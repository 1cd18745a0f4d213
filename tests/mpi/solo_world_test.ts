import assert from "node:assert/strict";
import { HalfExchange } from "../../lib/mpi/half_exchange.ts";
import { soloWorld } from "../../lib/mpi/solo_world.ts";

Deno.test("soloWorld: is rank 0 of 1 and changes nothing", async () => {
  await using world = soloWorld();
  assert.deepEqual([world.rank, world.size, world.localRank], [0, 1, 0]);
  const values = Float32Array.of(0.1, 1e9, -0);
  const wanted = values.slice();
  await world.sum(values);
  await world.sumHalf(values, new HalfExchange(3, { size: 1 }));
  assert.deepEqual(values, wanted);
  const words = Uint32Array.of(3);
  await world.max(words);
  assert.deepEqual([...words], [3]);
  const bytes = Uint8Array.of(4);
  await world.broadcast(bytes);
  assert.deepEqual([...bytes], [4]);
  await world.barrier();
});

Deno.test("soloWorld: gathers its own numbers", async () => {
  await using world = soloWorld();
  const all = new Float32Array(2);
  await world.gather(Float32Array.of(5, 6), all);
  assert.deepEqual([...all], [5, 6]);
});

Deno.test("soloWorld: refuses what a world of many would", async () => {
  await using world = soloWorld();
  const one = new Float32Array(1);
  await assert.rejects(world.gather(one, new Float32Array(2)), TypeError);
  await assert.rejects(world.broadcast(new Uint8Array(1), { root: 1 }), RangeError);
  await assert.rejects(world.sumHalf(one, new HalfExchange(1, { size: 2 })), TypeError);
});
