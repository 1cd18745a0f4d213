import assert from "node:assert/strict";
import { arithmeticCeiling } from "../../lib/gpu/ceilings.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import { NANOSECOND, secondsPerTick } from "../../lib/gpu/tick.ts";
import { timeOnGpu } from "../../lib/gpu/timer.ts";
import { isOnCard, posingGpu, testGpu } from "../support/gpu.ts";

/** A GPU whose clock counts only every so many ticks of the real one. */
async function slowClockGpu(slower: bigint): Promise<Gpu> {
  const gpu = await posingGpu({ description: `a clock of ${slower} ns` });
  const { device } = gpu;
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    if (descriptor.label !== "timer staging") return buffer;
    const map = buffer.getMappedRange.bind(buffer);
    buffer.getMappedRange = () => new BigUint64Array(map()).map((at) => at / slower).buffer;
    return buffer;
  };
  return gpu;
}

Deno.test("secondsPerTick: a software adapter's clock ticks in nanoseconds", async () => {
  if (!await isOnCard()) assert.equal(await secondsPerTick(await testGpu()), NANOSECOND);
});

Deno.test("timeOnGpu: counts seconds whatever the clock ticks in", async () => {
  using gpu = await slowClockGpu(40n);
  const real = await secondsPerTick(await testGpu());
  const tick = await secondsPerTick(gpu);
  assert.ok(tick > 32 * real && tick < 50 * real, `a tick of ${tick} s`);
  assert.equal(await secondsPerTick(gpu), tick);
  using kernel = await arithmeticCeiling(gpu);
  const fastest = async (options: { tick?: number }) => {
    const [turns = []] = await timeOnGpu(gpu, [kernel.program], { seconds: 0, ...options });
    return Math.min(...turns);
  };
  const ratio = await fastest({}) / await fastest({ tick: real });
  assert.ok(ratio > 20 && ratio < 80, `${ratio} times the ticks`);
});
