import assert from "node:assert/strict";
import { warmUp } from "../../lib/train/warm_up.ts";

Deno.test("warmUp: linear grows to the number of ranks in five epochs, none stays 1", () => {
  const of = (step: number, scale: "none" | "linear") =>
    warmUp(step, { stepsPerEpoch: 10, ranks: 4, scale });
  assert.deepEqual([0, 25, 50, 500].map((step) => of(step, "linear")), [1, 2.5, 4, 4]);
  assert.deepEqual([0, 25, 500].map((step) => of(step, "none")), [1, 1, 1]);
});
