import assert from "node:assert/strict";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { Inspection } from "../../lib/optim/inspection.ts";
import { testGpu } from "../support/gpu.ts";

/** Every sort of float32 that is not finite, by its bits, and the finite ones beside them. */
const NOT_FINITE = [0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff];
const FINITE = [0, 0x80000000, 1, 0x807fffff, 0x7f7fffff, 0xff7fffff, 0x3f800000];

const floatsOf = (...bits: number[]) => new Float32Array(Uint32Array.from(bits).buffer);

/** Keeps the statistics, as the start of a step does. */
async function keep(inspection: Inspection): Promise<void> {
  const { device } = await testGpu();
  const encoder = device.createCommandEncoder();
  inspection.keep(encoder);
  device.queue.submit([encoder.finish()]);
}

async function faultOf(inspection: Inspection): Promise<number | undefined> {
  return (await inspection.settle().read())[0];
}

Deno.test("Inspection: any bits that are not finite are found, and no others", async () => {
  const gpu = await testGpu();
  using inspection = new Inspection(gpu);
  const loss = gpu.tensor([0], []);
  for (const bits of [...FINITE, ...NOT_FINITE]) {
    loss.write(floatsOf(bits));
    inspection.inspect({ loss });
    assert.equal(await faultOf(inspection), NOT_FINITE.includes(bits) ? 1 : 0, bits.toString(16));
  }
});

Deno.test("Inspection: the first place counts, of the loss, the statistics and several buffers of gradients", async () => {
  const gpu = await testGpu();
  const statistics = gpu.zeros([8]);
  using inspection = new Inspection(gpu, { statistics });
  assert.equal(inspection.firstGradient, 3);
  const loss = gpu.tensor([1], []);
  const gradients = [gpu.zeros([1200]), gpu.zeros([8])];
  const spoilt: [tensor: Tensor | undefined, at: number, place: number][] = [
    [gradients[1], 7, 3 + 300 + 1],
    [gradients[0], 1199, 3 + 299],
    [gradients[0], 4, 3 + 1],
    [statistics, 5, 1 + 1],
    [loss, 0, 0],
  ];
  await keep(inspection);
  for (const [tensor, at, place] of spoilt) {
    assert.ok(tensor !== undefined);
    const values = await tensor.read();
    values[at] = -Infinity;
    tensor.write(values);
    inspection.inspect({ loss, gradients });
    assert.equal(await faultOf(inspection), 1 + place);
    if (tensor === statistics) statistics.write(values);
  }
});

Deno.test("Inspection: after a fault the statistics are as before the step, bit for bit", async () => {
  const gpu = await testGpu();
  const size = 1000; // more than a workgroup
  const statistics = gpu.tensor(new Float32Array(size).fill(1), [size]);
  using inspection = new Inspection(gpu, { statistics });
  const loss = gpu.tensor([0], []);
  const step = async (value: number, isGood: boolean) => {
    await keep(inspection);
    statistics.write(new Float32Array(size).fill(value));
    loss.write(Float32Array.of(isGood ? 0 : NaN));
    inspection.inspect({ loss });
    inspection.settle();
    return new Set(await statistics.read());
  };
  assert.deepEqual(await step(2, false), new Set([1]));
  assert.deepEqual(await step(3, true), new Set([3]));
  assert.deepEqual(await step(NaN, false), new Set([3]));
  assert.deepEqual(await step(5, true), new Set([5]));
});

Deno.test("Inspection: where a fault stops, nothing changes any more", async () => {
  const gpu = await testGpu();
  const statistics = gpu.tensor([1], [1]);
  using inspection = new Inspection(gpu, { statistics, stops: true });
  await keep(inspection);
  inspection.inspect({ loss: gpu.tensor([NaN], []) });
  assert.equal(await faultOf(inspection), 1);
  statistics.write(Float32Array.of(2));
  inspection.inspect({ loss: gpu.tensor([0], []) });
  assert.equal(await faultOf(inspection), 1);
  assert.deepEqual([...await statistics.read()], [1]);
});
