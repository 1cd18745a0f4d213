import assert from "node:assert/strict";
import { oneHot } from "../../lib/ops/one_hot.ts";
import { testGpu } from "../support/gpu.ts";
import { readChecked } from "../support/stored.ts";

for (const [batch, classes] of [[3, 5], [41, 10], [1, 8]] as const) {
  Deno.test(`oneHot: ${batch} samples of ${classes} classes`, async () => {
    const gpu = await testGpu();
    const labels = Uint32Array.from({ length: batch }, (_, n) => (n * 7 + classes - 1) % classes);
    const y = oneHot(gpu.tensor(labels, [batch], { dtype: "u32" }), classes);
    const wanted = Array.from(labels).flatMap((label) =>
      Array.from({ length: classes }, (_, c) => c === label ? 1 : 0)
    );
    assert.deepEqual(y.shape, [batch, classes]);
    const [found = []] = await readChecked([y]);
    assert.deepEqual([...found], wanted);
  });
}

Deno.test("oneHot: refuses labels that are no whole numbers", async () => {
  const gpu = await testGpu();
  assert.throws(() => oneHot(gpu.zeros([2], { label: "labels" }), 3), {
    name: "TypeError",
    message: "Cannot make labels one-hot: labels must hold u32 numbers, found f32",
  });
});
