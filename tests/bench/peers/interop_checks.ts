/**
 * The tests of lib/interop/tfjs.ts, in a process of their own: only here is TensorFlow.js installed.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import assert from "node:assert/strict";
import {
  add,
  conv2d,
  createArena,
  Gpu,
  Program,
  scale,
  shareWithTfjs,
  type Tensor,
} from "../../../mod.ts";
import { stored } from "../../support/stored.ts";

const gpu = await Gpu.open();
const bridge = await shareWithTfjs(gpu, { tf, WebGPUBackend });

function ramp(size: number, from = 0): Float32Array {
  return Float32Array.from({ length: size }, (_, at) => at + from);
}

function tensorOf(shape: readonly number[], layout: "channels" | "weights" = "channels"): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return gpu.tensor(ramp(size, -size / 2), shape, { layout });
}

function buffersOf(x: tf.Tensor): unknown {
  return bridge.backend.tensorMap.get(x.dataId).resource;
}

Deno.test("shareWithTfjs: TensorFlow.js computes on our device, and on others under other names", async () => {
  assert.equal(tf.getBackend(), bridge.name);
  assert.equal(bridge.backend.device, gpu.device);
  using other = await Gpu.open();
  const second = await shareWithTfjs(other, { tf, WebGPUBackend });
  assert.notEqual(second.name, bridge.name);
  const x = second.toTfjs(other.tensor([-1, 2, -3, 4], [4]));
  assert.deepEqual([...await second.fromTfjs(tf.relu(x)).read()], [0, 2, 0, 4]);
  await tf.setBackend(bridge.name);
});

Deno.test("tfjs: our convolution, their ReLU, and back give the same as all of it in one", async () => {
  const x = tensorOf([2, 5, 5, 4]);
  const w = tensorOf([3, 3, 4, 8], "weights");
  const y = conv2d(scale(x, 0.01), scale(w, 0.01), { padding: 1 });
  const back = bridge.fromTfjs(tf.relu(bridge.toTfjs(y)));
  assert.deepEqual(back.shape, y.shape);
  const wanted = (await y.read()).map((value) => Math.max(value, 0));
  assert.ok(wanted.some((value) => value > 0));
  assert.deepEqual(await back.read(), wanted);
  const twice = add(back, back);
  assert.deepEqual(await twice.read(), wanted.map((value) => 2 * value));
});

for (const shape of [[2, 3, 3, 8], [4], [3, 4]]) {
  Deno.test(`toTfjs: [${shape}] is the same buffer on both sides`, async () => {
    const x = tensorOf(shape);
    const shown = bridge.toTfjs(x);
    assert.equal(buffersOf(shown), x.storage.range.buffer);
    x.write(ramp(x.size, 100));
    assert.deepEqual(await tf.add(shown, 1).data(), ramp(x.size, 101));
    shown.dispose();
    assert.deepEqual(await x.read(), ramp(x.size, 100));
  });

  Deno.test(`fromTfjs: [${shape}] is the same buffer on both sides`, async () => {
    const size = shape.reduce((a, b) => a * b, 1);
    const y = tf.add(tf.tensor(ramp(size), shape), 1);
    const shown = bridge.fromTfjs(y);
    assert.equal(shown.storage.range.buffer, buffersOf(y));
    shown.write(ramp(size, 50));
    assert.deepEqual(await tf.add(y, 1).data(), ramp(size, 51));
    shown[Symbol.dispose]();
    assert.deepEqual(await y.data(), ramp(size, 50));
  });
}

for (const shape of [[2, 3, 3, 3], [5], [3, 41], []]) {
  Deno.test(`tfjs: [${shape}] goes over and back through a copy without its padding`, async () => {
    const x = tensorOf(shape);
    const values = await x.read();
    const shown = bridge.toTfjs(x);
    assert.notEqual(buffersOf(shown), x.storage.range.buffer);
    assert.deepEqual(shown.shape, shape);
    assert.deepEqual(new Float32Array(await shown.data()), values);
    const back = bridge.fromTfjs(tf.tensor(values, shape));
    assert.deepEqual(back.shape, shape);
    assert.deepEqual(await back.read(), values);
    // The padding must be zeros: kernels count on it.
    const whole = await stored(back).read();
    const total = (numbers: Float32Array) =>
      numbers.reduce((sum, value) => sum + Math.abs(value), 0);
    assert.equal(total(whole), total(values));
  });
}

for (const shape of [[3, 3, 3, 5], [3, 3, 4, 8], [1, 1, 2, 4]]) {
  Deno.test(`tfjs: weights [${shape}] keep their order both ways`, async () => {
    const w = tensorOf(shape, "weights");
    const values = await w.read();
    assert.deepEqual(new Float32Array(await bridge.toTfjs(w).data()), values);
    const theirs = tf.tensor(values, shape);
    const back = bridge.fromTfjs(theirs, { layout: "weights" });
    assert.equal(back.layout, "weights");
    const isShared = back.storage.range.buffer === buffersOf(theirs);
    assert.equal(isShared, shape.slice(2).every((channels) => channels % 4 === 0));
    assert.deepEqual(await back.read(), values);
    const x = tensorOf([1, 4, 4, shape[2] ?? 0]);
    assert.deepEqual(await conv2d(x, back).read(), await conv2d(x, w).read());
  });
}

Deno.test("toTfjs: parts of a larger buffer are copied out of it", async () => {
  const entries = [[3, 4], [2, 5], [8]].map((shape, at) => ({
    label: `part ${at}`,
    shape,
    layout: "channels" as const,
  }));
  for (const [at, part] of createArena(gpu, { label: "arena", entries }).tensors.entries()) {
    part.write(ramp(part.size, 10 * at));
    const shown = bridge.toTfjs(part);
    assert.deepEqual(shown.shape, [...part.shape]);
    assert.deepEqual(await shown.data(), ramp(part.size, 10 * at));
  }
});

Deno.test("tfjs: steps on both sides in turns run in the order of the calls, without waits", async () => {
  let x = gpu.tensor(ramp(64), [64]);
  let wanted = ramp(64);
  for (let step = 0; step < 10; step++) {
    x = scale(bridge.fromTfjs(tf.add(bridge.toTfjs(x), 1)), 0.5);
    wanted = wanted.map((value) => (value + 1) / 2);
  }
  assert.deepEqual(await x.read(), wanted);
});

Deno.test("tfjs: showing and disposing leaves no tensor behind there", () => {
  const before = tf.memory().numTensors;
  for (const shape of [[4], [5], []]) bridge.toTfjs(tensorOf(shape)).dispose();
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("tfjs: what is not float32 or has no place is refused", async () => {
  const labels = gpu.tensor([1, 2], [2], { dtype: "u32", label: "labels" });
  assert.throws(() => bridge.toTfjs(labels), {
    name: "TypeError",
    message: "Cannot show labels to TensorFlow.js: it must hold f32 numbers, found u32",
  });
  assert.throws(() => bridge.fromTfjs(tf.tensor([1, 2], [2], "int32")), {
    name: "TypeError",
    message:
      "Cannot show a tensor of TensorFlow.js here: it must hold float32 numbers, found int32",
  });
  const x = gpu.zeros([4]);
  let inner: Tensor = x;
  using _program = await Program.record(gpu, {
    label: "two steps",
    build: () => {
      inner = scale(x, 2);
      return scale(inner, 2);
    },
  });
  assert.throws(() => bridge.toTfjs(inner), { name: "GpuError" });
});
