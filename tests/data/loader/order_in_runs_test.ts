import assert from "node:assert/strict";
import { orderInRuns } from "../../../data/loader/order_in_runs.ts";

Deno.test("orderInRuns: every number once, neighbours together, drawn anew each epoch", () => {
  for (const [count, run] of [[1, 4], [10, 4], [64, 8], [1000, 64], [5, 64]] as const) {
    const order = [...orderInRuns(1, { count, run, seed: 2 })];
    assert.deepEqual(order.toSorted((a, b) => a - b), Array.from({ length: count }, (_, at) => at));
    assert.deepEqual(order, [...orderInRuns(1, { count, run, seed: 2 })]);
  }
  const order = [...orderInRuns(1, { count: 1000, run: 50, seed: 2 })];
  assert.notDeepEqual(order, [...orderInRuns(2, { count: 1000, run: 50, seed: 2 })]);
  const jumps = order.filter((value, at) => at > 0 && Math.abs(value - (order[at - 1] ?? 0)) >= 50);
  assert.ok(jumps.length <= 20, `wanted at most a jump a run, found ${jumps.length}`);
  const firsts = new Set(
    [1, 2, 3, 4, 5, 6].map((epoch) => {
      const order = orderInRuns(epoch, { count: 1000, run: 50, seed: 2 });
      return Math.min(...order.subarray(100, 150)) % 50;
    }),
  );
  assert.ok(firsts.size > 2, "runs begin at other places in other epochs");
});
