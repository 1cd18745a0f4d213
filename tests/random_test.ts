import assert from "node:assert/strict";
import { Draws } from "../lib/random.ts";

function numbers(draws: Draws, count: number): number[] {
  return Array.from({ length: count }, () => draws.next());
}

Deno.test("Draws: the numbers of a key are these on every machine", () => {
  assert.deepEqual(numbers(new Draws(1, 2, 3), 3), [143500579, 4171660640, 1895401585]);
});

Deno.test("Draws: every part of a key, its order and its length count", () => {
  const keys = [[0], [1], [0, 0], [0, 1], [1, 0], [0, 0, 1], [2 ** 31], [2 ** 32 - 1]];
  const firsts = keys.map((key) => new Draws(...key).next());
  assert.equal(new Set(firsts).size, keys.length);
});

Deno.test("Draws: bits are even, and neither neighbours nor neighbouring keys are alike", () => {
  const count = 4000;
  const [one, two] = [numbers(new Draws(5, 1), count + 1), numbers(new Draws(5, 2), count)];
  const pairs = {
    value: (at: number) => one[at] ?? 0,
    neighbour: (at: number) => (one[at] ?? 0) ^ (one[at + 1] ?? 0),
    key: (at: number) => (one[at] ?? 0) ^ (two[at] ?? 0),
  };
  for (const [name, bitsAt] of Object.entries(pairs)) {
    for (let bit = 0; bit < 32; bit++) {
      let set = 0;
      for (let at = 0; at < count; at++) set += bitsAt(at) >>> bit & 1;
      assert(Math.abs(set - count / 2) < 4 * Math.sqrt(count / 4), `${name}, bit ${bit}: ${set}`);
    }
  }
});

Deno.test("Draws: between stays in its interval and fills it", () => {
  const draws = new Draws(9);
  const values = Array.from({ length: 1000 }, () => draws.between(-2, 6));
  assert(values.every((value) => value >= -2 && value < 6));
  assert(Math.min(...values) < -1.9 && Math.max(...values) > 5.9);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert(Math.abs(mean - 2) < 0.3, `mean ${mean}`);
});

Deno.test("Draws: below gives each whole number about equally often", () => {
  const draws = new Draws(3);
  const counts = [0, 0, 0];
  for (let time = 0; time < 3000; time++) {
    const value = draws.below(3);
    counts[value] = (counts[value] ?? 0) + 1;
  }
  assert.equal(counts.length, 3);
  assert(counts.every((count) => Math.abs(count - 1000) < 110), counts.join());
});

Deno.test("Draws: order holds every number once, each place any of them", () => {
  const places = new Set<string>();
  for (let key = 0; key < 200; key++) {
    const order = new Draws(key).order(4);
    assert.deepEqual([...order].sort(), [0, 1, 2, 3]);
    order.forEach((value, place) => places.add(`${value}${place}`));
  }
  assert.equal(places.size, 16);
  assert.deepEqual([[...new Draws(1).order(1)], [...new Draws(1).order(0)]], [[0], []]);
});
