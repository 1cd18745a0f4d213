import assert from "node:assert/strict";
import { mergeMoments } from "../../lib/train/synced_statistics.ts";

Deno.test("mergeMoments: means and squares of all rows, a rank without rows left out", () => {
  // Two channels: rank 0 has the rows (1, 5) and (3, 5), rank 1 none, rank 2 the row (8, 11).
  const all = Float32Array.of(2, 2, 5, 2, 0, 0, NaN, NaN, NaN, NaN, 1, 8, 11, 0, 0);
  const merged = new Float32Array(4);
  mergeMoments(all, merged);
  assert.deepEqual([...merged], [4, 7, 26, 24]);
});
