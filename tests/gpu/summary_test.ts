import assert from "node:assert/strict";
import { summarise } from "../../lib/gpu/summary.ts";

Deno.test("summarise: median and quartiles, whatever the order", () => {
  assert.deepEqual(summarise([5, 1, 4, 2, 3]), { median: 3, low: 2, high: 4, n: 5 });
  assert.deepEqual(summarise([1, 2, 3, 4]), { median: 2.5, low: 1.75, high: 3.25, n: 4 });
  assert.deepEqual(summarise([10, 9]), { median: 9.5, low: 9.25, high: 9.75, n: 2 });
  assert.deepEqual(summarise([7]), { median: 7, low: 7, high: 7, n: 1 });
});

Deno.test("summarise: numbers are ordered as numbers, and the argument stays as it was", () => {
  const values = [100, 9, 10];
  assert.equal(summarise(values).median, 10);
  assert.deepEqual(values, [100, 9, 10]);
});

Deno.test("summarise: nothing comes to NaN", () => {
  assert.deepEqual(summarise([]), { median: NaN, low: NaN, high: NaN, n: 0 });
});
