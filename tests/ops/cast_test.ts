import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { cast } from "../../lib/ops/cast.ts";
import { sum } from "../../lib/ops/sum.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { watch } from "../../lib/tape.ts";
import { testGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";
import { readChecked } from "../support/stored.ts";
import { testIn } from "../support/test_in.ts";

testIn(
  "f16",
  "cast: to half precision rounds as Float16Array does, and back is exact",
  async () => {
    const gpu = await testGpu();
    const special = [0, -0, 1, 2049, 2051, 65519, 65520, -1e6, Infinity, 6e-8, 3e-8, 1 / 3];
    const values = Float32Array.from([
      ...special,
      ...randomValues(200, { seed: 1, from: -9, to: 9 }),
    ]);
    const half = cast(gpu.tensor(values, [4, 53]), "f16");
    const wanted = Float32Array.from(new Float16Array(values));
    assert.deepEqual(half.dtype, "f16");
    const [narrow, wide] = await readChecked([half, cast(half, "f32")]);
    assert.deepEqual(narrow, wanted);
    assert.deepEqual(wide, wanted);
  },
);

testIn("f16", "cast: the gradient is of the input's type", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor([1, 2, 3], [3]));
  const half = cast(x, "f16");
  const [dx] = gradients(sum(multiply(half, half), { keep: "none" }), [x]);
  assert.equal(dx?.dtype, "f32");
  assert.deepEqual([...await dx?.read() ?? []], [2, 4, 6]);
});

Deno.test("cast: nothing to do gives the tensor itself; integers are refused", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([3]);
  assert.equal(cast(x, "f32"), x);
  assert.throws(() => cast(gpu.zeros([1], { label: "n", dtype: "u32" }), "f16"), {
    name: "TypeError",
    message: "Cannot cast: n must hold f32 or f16 numbers, found u32",
  });
});
