import assert from "node:assert/strict";
import { copyInto } from "../../lib/ops/copy.ts";
import { testGpu } from "../support/gpu.ts";

Deno.test("copyInto: writes its part and nothing else", async () => {
  const gpu = await testGpu();
  const to = gpu.tensor(Array.from({ length: 400 }, () => -1), [400]);
  const values = Array.from({ length: 2 * 70 * 2 }, (_, at) => at + 1);
  copyInto(gpu.tensor(values.slice(0, 140), [70, 2]), to, { offset: 16 });
  copyInto(gpu.tensor([7, 8, 9], [1, 3]), to, { offset: 1536 });
  const wanted = Array.from({ length: 400 }, () => -1);
  for (let row = 0; row < 70; row++) {
    wanted.splice(4 + 4 * row, 4, 2 * row + 1, 2 * row + 2, 0, 0);
  }
  wanted.splice(384, 4, 7, 8, 9, 0);
  assert.deepEqual([...await to.read()], wanted);
});
