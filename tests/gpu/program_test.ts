import assert from "node:assert/strict";
import { Gpu } from "../../lib/gpu/device.ts";
import { Program } from "../../lib/gpu/program.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { gradients } from "../../lib/gradients.ts";
import { add } from "../../lib/ops/add.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { relu } from "../../lib/ops/relu.ts";
import { reshape } from "../../lib/ops/reshape.ts";
import { scale } from "../../lib/ops/scale.ts";
import { CallCounter } from "../support/call_counter.ts";
import { softwareGpu, testGpu } from "../support/gpu.ts";
import { assertSameValues } from "../support/same_values.ts";
import { NET_LABELS, netLoss, netRunning, netTensors } from "../support/small_net.ts";

function training(gpu: Gpu) {
  const tensors = netTensors(gpu);
  const running = netRunning(gpu);
  const labels = gpu.tensor([...NET_LABELS], [NET_LABELS.length], { dtype: "u32" });
  const step = () => {
    const loss = netLoss(tensors, { running, labels });
    return [loss, ...gradients(loss, Object.values<Tensor>({ ...tensors }))];
  };
  return { step, running: [running.runningMean, running.runningVariance] };
}

Deno.test("Program: two replays equal two eager steps", async () => {
  const gpu = await softwareGpu(); // a card's convolutions make moments in their store, which rounds differently
  const [eager, recorded] = [training(gpu), training(gpu)];
  using program = await Program.record(gpu, { label: "step", build: recorded.step });
  for (let step = 0; step < 2; step++) {
    program.run();
    const wanted = await gpu.read([...eager.step(), ...eager.running]);
    const found = await gpu.read([...program.outputs, ...recorded.running]);
    await assertSameValues(found, wanted, { atol: 1e-5 });
  }
  const { buffers, intermediateBytes } = program.plan;
  assert.ok(buffers.reduce((sum, { bytes }) => sum + bytes, 0) < intermediateBytes);
});

Deno.test("Program: recording runs nothing", async () => {
  const gpu = await testGpu();
  const { step, running } = training(gpu);
  const before = await gpu.read(running);
  using _program = await Program.record(gpu, { label: "step", build: step });
  assert.deepEqual(await gpu.read(running), before);
  assert.equal(gpu.isRecording, false);
});

Deno.test("Program: reads its inputs anew at every run", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1, 2], [2]);
  using program = await Program.record(gpu, {
    label: "square",
    build: () => ({ y: multiply(x, x), nothing: null }),
  });
  for (const values of [[1, 2], [3, -4]]) {
    x.write(Float32Array.from(values));
    program.run();
    const found = [...await program.outputs.y.read()];
    assert.deepEqual(found, values.map((value) => value * value));
  }
});

Deno.test("Program: an output may be an input, or share memory with another", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1, 2, 3], [1, 3]);
  using program = await Program.record(gpu, {
    label: "shared",
    build: () => {
      const y = scale(x, 2);
      return [x, y, reshape(y, [1, 1, 3])];
    },
  });
  program.run();
  const found = await gpu.read(program.outputs);
  assert.deepEqual(found.map((values) => [...values]), [[1, 2, 3], [2, 4, 6], [2, 4, 6]]);
});

Deno.test("Program: an intermediate tensor cannot be used outside", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1, -2], [2]);
  let inside = x;
  using program = await Program.record(gpu, {
    label: "p",
    build: () => relu(inside = scale(x, -1)),
  });
  program.run();
  assert.deepEqual([...await program.outputs.read()], [0, 2]);
  const error = {
    name: "GpuError",
    message:
      "Cannot use scale.y outside its program: it must be an output of the program or live outside it, found an intermediate tensor",
  };
  await assert.rejects(inside.read(), error);
  assert.throws(() => add(inside, x), error);
});

Deno.test("Program: a program uses another's outputs", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1, 2], [2]);
  using first = await Program.record(gpu, { label: "first", build: () => scale(x, 2) });
  using second = await Program.record(gpu, {
    label: "second",
    build: () => add(first.outputs, x),
  });
  first.run();
  second.run();
  assert.deepEqual([...await second.outputs.read()], [3, 6]);
});

Deno.test("Program: runs make no buffers and disposing frees the program's", async () => {
  using gpu = await Gpu.open();
  const { step } = training(gpu);
  gpu.constant(1);
  const before = gpu.bufferCount;
  const program = await Program.record(gpu, { label: "step", build: step });
  const recorded = gpu.bufferCount;
  assert.equal(recorded, before + program.plan.buffers.length);
  for (let run = 0; run < 50; run++) program.run();
  await gpu.read(program.outputs);
  assert.equal(gpu.bufferCount, recorded);
  program[Symbol.dispose]();
  assert.equal(gpu.bufferCount, before);
  program[Symbol.dispose]();
  assert.equal(gpu.bufferCount, before);
});

Deno.test("Program: recordings do not nest, and a failed one ends", async () => {
  const gpu = await testGpu();
  const nested = Program.record(gpu, {
    label: "outer",
    build: () => {
      gpu.record(() => gpu.constant(1));
      return null;
    },
  });
  await assert.rejects(nested, {
    name: "GpuError",
    message: "Cannot record a program: another is being recorded on this GPU",
  });
  assert.equal(gpu.isRecording, false);
  const failed = Program.record(gpu, {
    label: "failed",
    build: () => {
      throw new RangeError("Cannot build");
    },
  });
  await assert.rejects(failed, { name: "RangeError", message: "Cannot build" });
  assert.equal(gpu.isRecording, false);
});

Deno.test("Program: a step of 160 dispatches is encoded and submitted within a millisecond or few", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([4]);
  using program = await Program.record(gpu, {
    label: "many",
    build: () => Array.from({ length: 160 }).reduce<Tensor>((y) => scale(y, 0.5), x),
  });
  let fastest = Infinity;
  for (let run = 0; run < 20; run++) {
    const began = performance.now();
    program.run();
    fastest = Math.min(fastest, performance.now() - began);
    await gpu.device.queue.onSubmittedWorkDone();
  }
  // Half a millisecond on two quiet cores; the bound leaves room for a busy machine.
  assert.ok(fastest < 4, `${fastest} ms`);
});

Deno.test("Program: sets a pipeline once for dispatches in a row", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([4]);
  using program = await Program.record(gpu, {
    label: "rows",
    build: () => relu(scale(scale(scale(x, 0.5), 0.5), 0.5)),
  });
  using calls = new CallCounter(GPUComputePassEncoder.prototype, [
    "setPipeline",
    "setBindGroup",
    "dispatchWorkgroups",
  ]);
  program.run();
  assert.deepEqual(calls.counts, { setPipeline: 2, setBindGroup: 4, dispatchWorkgroups: 4 });
  await gpu.settled();
});
