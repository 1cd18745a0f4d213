import assert from "node:assert/strict";
import { arithmeticCeiling, type CeilingKernel } from "../../lib/gpu/ceilings.ts";
import { Gpu } from "../../lib/gpu/device.ts";
import { summarise } from "../../lib/gpu/summary.ts";
import { type Timed, timeOnGpu } from "../../lib/gpu/timer.ts";
import { requestAdapter } from "../../lib/gpu/adapter.ts";
import { testGpu } from "../support/gpu.ts";

function repeated({ program }: CeilingKernel, times: number): Timed {
  return {
    encode: (pass) => {
      for (let time = 0; time < times; time++) program.encode(pass);
    },
  };
}

/** A device without the feature by which the GPU's clock is read. */
async function withoutTimestamps(): Promise<Gpu> {
  const adapter = await requestAdapter();
  assert.ok(adapter !== null);
  const plain = new Proxy(adapter, {
    get(target, name) {
      if (name === "features") return new Set();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return await Gpu.open({ adapter: plain });
}

async function assertProportional(gpu: Gpu): Promise<void> {
  using kernel = await arithmeticCeiling(gpu);
  const works = [repeated(kernel, 1), repeated(kernel, 4)];
  const [single = [], fourfold = []] = await timeOnGpu(gpu, works, { samples: 5, seconds: 0.05 });
  assert.deepEqual([single.length, fourfold.length], [5, 5]);
  const ratio = summarise(fourfold.map((took, turn) => took / (single[turn] ?? NaN))).median;
  assert.ok(ratio > 2 && ratio < 8, `four runs took ${ratio} times one`);
}

Deno.test("timeOnGpu: four times the work takes about four times as long", async () => {
  await assertProportional(await testGpu());
});

Deno.test("timeOnGpu: so it does by the wall clock, on a device without timestamps", async () => {
  using gpu = await withoutTimestamps();
  assert.equal(gpu.device.features.has("timestamp-query"), false);
  await assertProportional(gpu);
});

Deno.test("timeOnGpu: a short work fills its time with runs", async () => {
  const gpu = await testGpu();
  let runs = 0;
  const idle: Timed = { encode: () => void runs++ };
  await timeOnGpu(gpu, [idle], { samples: 2, seconds: 1000 });
  assert.equal(runs, 2 + 2 * 4096);
  assert.deepEqual(await timeOnGpu(gpu, [], { samples: 1 }), []);
});

Deno.test("timeOnGpu: times more works than a query set has room for", async () => {
  const gpu = await testGpu();
  const works = Array.from({ length: 1500 }, (): Timed => ({ encode: () => {} }));
  const times = await timeOnGpu(gpu, works, { samples: 3, seconds: 1e-9 });
  assert.equal(times.length, works.length);
  assert.ok(times.every((turns) => turns.length === 3 && turns.every((seconds) => seconds >= 0)));
});

Deno.test("timeOnGpu: wants at least one sample", async () => {
  const gpu = await testGpu();
  for (const samples of [0, 1.5, NaN]) {
    await assert.rejects(timeOnGpu(gpu, [], { samples }), {
      name: "RangeError",
      message:
        `Cannot time on the GPU: wanted a whole number of samples from 1 on, found ${samples}`,
    });
  }
});
