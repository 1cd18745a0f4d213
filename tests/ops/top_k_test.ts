import assert from "node:assert/strict";
import { topK } from "../../lib/ops/top_k.ts";
import { testGpu } from "../support/gpu.ts";
import { randomStream, randomValues } from "../support/random.ts";

async function count(
  rows: readonly (readonly number[])[],
  { labels, k }: { labels: readonly number[]; k?: number },
): Promise<number | undefined> {
  const gpu = await testGpu();
  const logits = gpu.tensor(rows.flat(), [rows.length, rows[0]?.length ?? 0]);
  const tensor = gpu.tensor(labels, [labels.length], { dtype: "u32" });
  return (await topK(logits, tensor, k === undefined ? {} : { k }).read())[0];
}

Deno.test("topK: counts the labels with the largest logits", async () => {
  const rows = [[1, 2, 0], [3, 2, 1], [0, 1, 5], [-3, -1, -2]];
  assert.equal(await count(rows, { labels: [1, 0, 0, 1] }), 3);
  assert.equal(await count(rows, { labels: [2, 2, 0, 0] }), 0);
});

Deno.test("topK: of equal logits the first class comes first", async () => {
  const rows = [[5, 5, 5], [5, 5, 5], [0, 5, 5]];
  assert.equal(await count(rows, { labels: [0, 1, 2] }), 1);
  assert.equal(await count(rows, { labels: [2, 1, 2], k: 2 }), 2);
});

Deno.test("topK: a sample with a logit that is not finite is never right", async () => {
  const rows = [[NaN, 1], [1, NaN], [Infinity, 0], [0, -Infinity], [1, 0]];
  assert.equal(await count(rows, { labels: [0, 0, 0, 0, 0] }), 1);
});

Deno.test("topK: k 5, more samples and classes than a workgroup", async () => {
  const [n, classes] = [67, 70];
  const next = randomStream(3);
  const rows = Array.from({ length: n }, (_, at) => [...randomValues(classes, { seed: at })]);
  const ranked = rows.map((row) => row.map((value, c) => ({ value, c })));
  for (const row of ranked) row.sort((a, b) => b.value - a.value);
  const ranks = rows.map(() => Math.floor(next() * 10));
  const labels = ranked.map((row, at) => row[ranks[at] ?? 0]?.c ?? 0);
  const wanted = ranks.filter((rank) => rank < 5).length;
  assert.ok(wanted > 0 && wanted < n);
  assert.equal(await count(rows, { labels, k: 5 }), wanted);
});

Deno.test("topK: refuses what does not fit", async () => {
  const gpu = await testGpu();
  const labels = gpu.zeros([2], { label: "labels", dtype: "u32" });
  assert.throws(() => topK(gpu.zeros([6]), labels), {
    name: "TypeError",
    message: "Cannot count the right logits: wanted two dimensions, found [6]",
  });
  assert.throws(() => topK(gpu.zeros([3, 2]), labels), {
    name: "TypeError",
    message: "Cannot count the right logits: labels must be [3], found [2]",
  });
  const floats = gpu.zeros([2], { label: "labels" });
  assert.throws(() => topK(gpu.zeros([2, 3]), floats), {
    name: "TypeError",
    message: "Cannot count the right logits: labels must hold u32 numbers, found f32",
  });
});
