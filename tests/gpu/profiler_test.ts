import assert from "node:assert/strict";
import { requestAdapter } from "../../lib/gpu/adapter.ts";
import { Gpu } from "../../lib/gpu/device.ts";
import { kernelCosts, profile } from "../../lib/gpu/profiler.ts";
import { Program } from "../../lib/gpu/program.ts";
import { add } from "../../lib/ops/add.ts";
import { scale } from "../../lib/ops/scale.ts";
import { dispatchOf, intermediate } from "../support/dispatches.ts";
import { testGpu } from "../support/gpu.ts";

Deno.test("kernelCosts: adds up by kernel and entry point, the longest first", async () => {
  const gpu = await testGpu();
  const x = intermediate(gpu, { label: "x" });
  const one = { ...dispatchOf("one", { write: [x] }), flop: 3 };
  const other = { ...one, entry: "other", flop: 0 };
  assert.deepEqual(kernelCosts([one, other, one], [1, 7, 2]), [
    { name: "one.other", dispatches: 1, seconds: 7, bytes: 16, flop: 0 },
    { name: "one.run", dispatches: 2, seconds: 3, bytes: 32, flop: 6 },
  ]);
  assert.deepEqual(
    kernelCosts([other, one, one], null).map(({ name, seconds }) => [name, seconds]),
    [["one.run", null], ["one.other", null]],
  );
});

Deno.test("profile: each kernel of a program, with a time that grows with its work", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor(new Float32Array(2 ** 20).fill(1), [2 ** 20]);
  const y = gpu.tensor(new Float32Array(2 ** 10).fill(1), [2 ** 10]);
  using program = await Program.record(gpu, {
    label: "profiled",
    build: () => [scale(scale(x, 2), 2), add(y, y)],
  });
  const { seconds, kernels } = await profile(program);
  assert.ok(seconds > 0);
  const { "scale.forward": large, "add.forward": small } = Object.fromEntries(
    kernels.map((kernel) => [kernel.name, kernel]),
  );
  assert.deepEqual([large?.dispatches, large?.bytes], [2, 2 * 2 * 2 ** 22]);
  assert.deepEqual([small?.dispatches, small?.bytes], [1, 2 * 2 ** 12]);
  if (!gpu.device.features.has("timestamp-query")) return;
  assert.ok((large?.seconds ?? 0) > (small?.seconds ?? 0));
  assert.ok((large?.seconds ?? 0) < 10 * seconds);
});

/** The default adapter as it would be without timestamps. */
async function adapterWithoutTimestamps(): Promise<GPUAdapter> {
  const adapter = await requestAdapter();
  assert.ok(adapter !== null);
  return new Proxy(adapter, {
    get: (target, name) => {
      if (name === "features") return new Set();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

Deno.test("profile: where there are no timestamps, only the whole program has a time", async () => {
  using gpu = await Gpu.open({ adapter: await adapterWithoutTimestamps() });
  const x = gpu.tensor(new Float32Array(2 ** 20).fill(1), [2 ** 20]);
  using program = await Program.record(gpu, { label: "untimed", build: () => scale(x, 2) });
  const { seconds, kernels } = await profile(program);
  assert.ok(seconds > 0);
  assert.deepEqual(kernels, [
    { name: "scale.forward", dispatches: 1, seconds: null, bytes: 2 ** 23, flop: 0 },
  ]);
});
