import assert from "node:assert/strict";
import { secondsInAll } from "../../tasks/quickstart.ts";

Deno.test("secondsInAll: as many steps as the course has, a short last batch too, and the other trainings", () => {
  const course = { images: 95, batchSize: 10, epochs: 3 };
  const steps = [{ seconds: 0.1 }, { seconds: 0.2 }, { seconds: 0.6 }];
  const found = secondsInAll(course, { steps, share: 0.25 });
  assert.ok(Math.abs(found - 3 * 10 * 0.3 * 4) < 1e-9, `${found}`);
});
