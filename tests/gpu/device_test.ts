import assert from "node:assert/strict";
import { requestAdapter } from "../../lib/gpu/adapter.ts";
import { Gpu } from "../../lib/gpu/device.ts";
import { OutOfRoomError } from "../../lib/gpu/errors.ts";
import { scale } from "../../lib/ops/scale.ts";
import { smallGpu, testGpu } from "../support/gpu.ts";
import { readIntegers } from "../support/stored.ts";
import { testIn } from "../support/test_in.ts";
import { withoutFeature } from "../support/without_feature.ts";

Deno.test("Gpu: opens with the adapter's own limits", async () => {
  const gpu = await testGpu();
  const adapter = await requestAdapter();
  assert.ok(adapter !== null);
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  assert.equal(maxBufferSize, adapter.limits.maxBufferSize);
  assert.equal(maxStorageBufferBindingSize, adapter.limits.maxStorageBufferBindingSize);
  assert.ok(gpu.adapter.name.length > 0);
});

Deno.test("Gpu: opens the adapter that it is given", async () => {
  const adapter = await requestAdapter();
  assert.ok(adapter !== null);
  using gpu = await Gpu.open({ adapter });
  assert.deepEqual([...await scale(gpu.tensor([2], [1]), 3).read()], [6]);
});

Deno.test("Gpu: asks for subgroups, and does without where they are refused", async () => {
  const [one, other] = [await requestAdapter(), await requestAdapter()];
  assert.ok(one !== null && other !== null);
  using gpu = await Gpu.open({ adapter: withoutFeature("subgroups", one) });
  assert.equal(gpu.hasSubgroups, false);
  assert.deepEqual([...await scale(gpu.tensor([2], [1]), 3).read()], [6]);
  const offered = await other.requestDevice({ requiredFeatures: ["subgroups"] }).then(
    () => true,
    () => false,
  );
  assert.equal((await testGpu()).hasSubgroups, offered);
});

Deno.test("Gpu: half precision needs shader-f16, and the error says so", async () => {
  const adapter = await requestAdapter();
  assert.ok(adapter !== null);
  using gpu = await Gpu.open({ adapter: withoutFeature("shader-f16", adapter) });
  assert.equal(gpu.hasHalf, false);
  const without16 = /wanted an adapter with the feature shader-f16, found .* without it$/;
  assert.throws(() => gpu.wantHalf("train"), { name: "GpuError", message: /^Cannot train: / });
  assert.throws(() => gpu.zeros([3], { dtype: "f16" }), { name: "GpuError", message: without16 });
  assert.equal((await testGpu()).hasHalf, adapter.features.has("shader-f16"));
});

testIn(
  "f16",
  "Gpu: a tensor of half precision is rounded, takes half of the bytes, and is written",
  async () => {
    const gpu = await testGpu();
    const x = gpu.tensor([1, 2049, 1 / 3, 4, 5, 6], [2, 3], { dtype: "f16" });
    assert.equal(x.storage.bytes, gpu.zeros([2, 3]).storage.bytes / 2);
    assert.deepEqual([...await x.read()], [1, 2048, 0.333251953125, 4, 5, 6]);
    x.write(new Float32Array([6, 5, 4, 3, 2, 0.1]));
    const [values, other] = await gpu.read([x, gpu.tensor([7], [1])]);
    assert.deepEqual([...values ?? []], [6, 5, 4, 3, 2, 0.0999755859375]);
    assert.deepEqual([...other ?? []], [7]);
    assert.throws(() => x.write(new Uint32Array(6)), { name: "TypeError" });
  },
);

Deno.test("Gpu: a tensor comes back as it was made", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1, 2, 3, 4, 5, 6], [2, 3], { label: "x" });
  assert.equal(x.label, "x");
  assert.equal(x.size, 6);
  assert.deepEqual([...await x.read()], [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([...await gpu.tensor([7], []).read()], [7]);
  assert.deepEqual(await readIntegers(gpu.tensor([2 ** 32 - 1, 3], [2], { dtype: "u32" })), [
    2 ** 32 - 1,
    3,
  ]);
});

Deno.test("Gpu: refuses another count of values", async () => {
  const gpu = await testGpu();
  assert.throws(() => gpu.tensor([1, 2, 3], [2, 2], { label: "x" }), {
    name: "TypeError",
    message: "Cannot make x of shape [2, 2]: wanted 4 values, found 3",
  });
});

Deno.test("Gpu: a constant is made once a value", async () => {
  const gpu = await testGpu();
  assert.equal(gpu.constant(0.5), gpu.constant(0.5));
  assert.notEqual(gpu.constant(0.5), gpu.constant(0.25));
  assert.deepEqual([...await gpu.constant(0.5).read()], [0.5]);
});

Deno.test("Gpu: reads many tensors of many sizes in one wait", async () => {
  const gpu = await testGpu();
  const sizes = [1, 1000, 3, 41];
  const values = sizes.map((size) => Float32Array.from({ length: size }, (_, at) => at + size));
  const tensors = values.map((part, at) => gpu.tensor(part, [sizes[at] ?? 0]));
  assert.deepEqual(await gpu.read(tensors), values);
  const [alone, together] = await Promise.all([tensors[0]?.read(), gpu.read(tensors)]);
  assert.deepEqual(alone, values[0]);
  assert.deepEqual(together, values);
});

Deno.test("Gpu: refuses to read integers as floats", async () => {
  const gpu = await testGpu();
  const labels = gpu.zeros([3], { label: "labels", dtype: "u32" });
  await assert.rejects(gpu.read([labels]), {
    name: "TypeError",
    message: "Cannot read labels: it must hold f32 or f16 numbers, found u32",
  });
});

Deno.test("Gpu: a tensor larger than a buffer may be is out of room", async () => {
  const gpu = await testGpu();
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  const size = Math.ceil((limit + 1) / 16) * 4;
  assert.throws(() => gpu.zeros([size], { label: "huge" }), (error) => {
    assert.ok(error instanceof OutOfRoomError);
    assert.deepEqual([error.bytes, error.limit], [4 * size, limit]);
    assert.equal(
      error.message,
      `Cannot allocate huge: a buffer of this adapter holds at most ${limit} bytes, found ${
        4 * size
      }`,
    );
    return true;
  });
});

Deno.test("Gpu: a tensor for which there is no memory says so, and takes none", async () => {
  using gpu = await smallGpu(10e6);
  const x = gpu.zeros([2e6], { label: "x" });
  gpu.zeros([1e6], { label: "y" });
  await assert.rejects(gpu.settled(), {
    name: "OutOfMemoryError",
    message:
      "Cannot allocate y: wanted 4.0 MB of GPU memory beside the 8.0 MB that other tensors take, found less left",
  });
  assert.deepEqual([gpu.bufferCount, gpu.bufferBytes], [1, 8e6]);
  assert.equal(await gpu.roomFor(1.5e6), 1.5e6);
  const left = await gpu.roomFor(6.4e6);
  assert.ok(left <= 2e6 && left >= 1.9e6, `${left}`);
  x[Symbol.dispose]();
  assert.deepEqual([gpu.bufferBytes, await gpu.roomFor(6.4e6)], [0, 6.4e6]);
});

Deno.test("Gpu: counts its buffers", async () => {
  using gpu = await Gpu.open();
  assert.equal(gpu.bufferCount, 0);
  const [x, y] = [gpu.zeros([4]), gpu.tensor([1], [1])];
  assert.equal(gpu.bufferCount, 2);
  x[Symbol.dispose]();
  x[Symbol.dispose]();
  assert.equal(gpu.bufferCount, 1);
  assert.deepEqual([...await y.read()], [1]);
});

Deno.test("Gpu: clear fills with zeros", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1, 2, 3], [3]);
  gpu.clear(x.storage);
  assert.deepEqual([...await x.read()], [0, 0, 0]);
});
