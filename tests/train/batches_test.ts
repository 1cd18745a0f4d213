import assert from "node:assert/strict";
import { batchAt, orderOf, stepsPerEpoch } from "../../lib/train/batches.ts";

Deno.test("batchAt: shuffled, an epoch takes every place once and its last batch is short", () => {
  const batching = { count: 10, batchSize: 4, shuffle: true };
  assert.equal(stepsPerEpoch(batching), 3);
  const batches = [0, 1, 2, 3, 4, 5].map((step) => batchAt(step, batching));
  const epoch = [{ start: 0, size: 4 }, { start: 4, size: 4 }, { start: 8, size: 2 }];
  assert.deepEqual(batches, [...epoch, ...epoch]);
});

Deno.test("batchAt: in file order, batches are full and run on across the end of the set", () => {
  const batching = { count: 500, batchSize: 32, shuffle: false };
  assert.equal(stepsPerEpoch(batching), 16);
  for (const step of [0, 1, 15, 16, 19, 31, 32, 1000]) {
    assert.deepEqual(batchAt(step, batching), { start: 32 * step % 500, size: 32 }, `${step}`);
  }
});

Deno.test("batchAt: a batch as large as the set, and a larger one", () => {
  for (const batchSize of [6, 7]) {
    const shuffled = { count: 6, batchSize, shuffle: true };
    assert.equal(stepsPerEpoch(shuffled), 1);
    assert.deepEqual(batchAt(3, shuffled), { start: 0, size: 6 });
    const ordered = { ...shuffled, shuffle: false };
    assert.deepEqual(batchAt(3, ordered), { start: 3 * batchSize % 6, size: batchSize });
  }
});

Deno.test("orderOf: seed and epoch decide the order, which holds every image once", () => {
  const order = (
    epoch: number,
    seed: number,
  ) => [...orderOf(epoch, { count: 50, shuffle: true, seed })];
  const first = order(1, 0);
  assert.deepEqual(order(1, 0), first);
  assert.deepEqual(first.toSorted((a, b) => a - b), Array.from({ length: 50 }, (_, at) => at));
  for (const other of [order(2, 0), order(1, 1), order(0, 0)]) assert.notDeepEqual(other, first);
});

Deno.test("orderOf: every image comes to every place about equally often", () => {
  const [count, epochs] = [5, 2000];
  const times = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  for (let epoch = 1; epoch <= epochs; epoch++) {
    orderOf(epoch, { count, shuffle: true, seed: 3 }).forEach((image, place) => {
      const row = times[image] ?? [];
      row[place] = (row[place] ?? NaN) + 1;
    });
  }
  for (const row of times) {
    assert.ok(row.every((found) => Math.abs(found - epochs / count) < 90), row.join());
  }
});

Deno.test("orderOf: without shuffling it is the file's", () => {
  assert.deepEqual([...orderOf(7, { count: 4, shuffle: false, seed: 9 })], [0, 1, 2, 3]);
});

Deno.test("batchAt: the shares of all ranks are the batch, in order, whatever their number", () => {
  for (const [count, batchSize] of [[70, 32], [9, 4], [2, 8]] as const) {
    for (const shuffle of [true, false]) {
      const whole = { count, batchSize, shuffle };
      for (const size of [1, 2, 3, 5]) {
        for (let step = 0; step < 6; step++) {
          const { start, size: images } = batchAt(step, whole);
          const places = Array.from({ length: images }, (_, at) => (start + at) % count);
          const shares = Array.from({ length: size }, (_, rank) => {
            const own = batchAt(step, { ...whole, share: { rank, size } });
            return Array.from({ length: own.size }, (_, at) => (own.start + at) % count);
          });
          assert.deepEqual(shares.flat(), places);
          const lengths = shares.map(({ length }) => length);
          assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 1);
        }
      }
    }
  }
});
