import assert from "node:assert/strict";
import { secondsInAll } from "../../tasks/quickstart.ts";

Deno.test("secondsInAll: the mean of the steps, over all the teacher's steps and the students'", () => {
  const course = { images: 95, batchSize: 10, epochs: 3 };
  const steps = [{ seconds: 0.1 }, { seconds: 0.2 }, { seconds: 0.3 }];
  // Ten steps an epoch, the last one short; the teacher takes half of the time.
  assert.ok(Math.abs(secondsInAll(course, steps) - 2 * 3 * 10 * 0.2) < 1e-9);
});
