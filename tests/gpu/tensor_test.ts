import assert from "node:assert/strict";
import { testGpu } from "../support/gpu.ts";
import { readIntegers } from "../support/stored.ts";

Deno.test("Tensor: write overwrites the values", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1, 2, 3, 4, 5], [1, 5]);
  x.write(new Float32Array([6, 7, 8, 9, 10]));
  assert.deepEqual([...await x.read()], [6, 7, 8, 9, 10]);
  const labels = gpu.zeros([3], { dtype: "u32" });
  labels.write(new Uint32Array([7, 8, 9]));
  assert.deepEqual(await readIntegers(labels), [7, 8, 9]);
});

Deno.test("Tensor: write refuses another count or type", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([2], { label: "x" });
  assert.throws(() => x.write(new Float32Array(3)), {
    name: "TypeError",
    message: "Cannot write x: wanted a Float32Array of 2, found a Float32Array of 3",
  });
  assert.throws(() => x.write(new Uint32Array(2)), {
    name: "TypeError",
    message: "Cannot write x: wanted a Float32Array of 2, found a Uint32Array of 2",
  });
  const labels = gpu.zeros([2], { label: "labels", dtype: "u32" });
  assert.throws(() => labels.write(new Float32Array(2)), {
    name: "TypeError",
    message: "Cannot write labels: wanted a Uint32Array of 2, found a Float32Array of 2",
  });
});
