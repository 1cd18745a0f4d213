import assert from "node:assert/strict";
import { stepSchedule } from "../../lib/optim/step_schedule.ts";

const ORIGINAL = { rate: 0.1, ratio: 0.2, epochs: [60, 120, 160] };

Deno.test("stepSchedule: the rate drops at the start of each listed epoch", () => {
  const wanted: [epoch: number, rate: number, dropped: boolean][] = [
    [1, 0.1, false],
    [59, 0.1, false],
    [60, 0.1 * 0.2, true],
    [61, 0.1 * 0.2, false],
    [119, 0.1 * 0.2, false],
    [120, 0.1 * 0.2 * 0.2, true],
    [160, 0.1 * 0.2 * 0.2 * 0.2, true],
    [200, 0.1 * 0.2 * 0.2 * 0.2, false],
  ];
  for (const [epoch, rate, dropped] of wanted) {
    assert.deepEqual(stepSchedule(epoch, ORIGINAL), { rate, dropped }, `epoch ${epoch}`);
  }
});

Deno.test("stepSchedule: the list may be in any order, hold an epoch twice, or be empty", () => {
  const unsorted = { rate: 1, ratio: 0.5, epochs: [5, 2, 5] };
  assert.deepEqual(stepSchedule(4, unsorted), { rate: 0.5, dropped: false });
  assert.deepEqual(stepSchedule(5, unsorted), { rate: 0.25, dropped: true });
  assert.deepEqual(stepSchedule(9, { ...unsorted, epochs: [] }), { rate: 1, dropped: false });
});

Deno.test("stepSchedule: a drop at the first epoch counts", () => {
  const first = { rate: 1, ratio: 0.1, epochs: [1] };
  assert.deepEqual(stepSchedule(1, first), { rate: 0.1, dropped: true });
});
