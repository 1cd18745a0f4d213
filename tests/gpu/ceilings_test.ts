import assert from "node:assert/strict";
import {
  arithmeticCeiling,
  type CeilingKernel,
  measureCeilings,
  memoryCeiling,
} from "../../lib/gpu/ceilings.ts";
import { testGpu } from "../support/gpu.ts";

async function outputsOf(ceiling: CeilingKernel): Promise<Float32Array> {
  ceiling.program.run();
  return await ceiling.program.outputs.read();
}

/** Eight chains a = m a + c from 0 to 7, added up, in closed form: each tends to c / (1 - m). */
function chains({ m, c, steps }: { m: number; c: number; steps: number }): number {
  const limit = c / (1 - m);
  return [0, 1, 2, 3, 4, 5, 6, 7].reduce((sum, a) => sum + limit + (a - limit) * m ** steps, 0);
}

Deno.test("arithmeticCeiling: every invocation did all the multiply-adds that are counted", async () => {
  using ceiling = await arithmeticCeiling(await testGpu());
  const values = await outputsOf(ceiling);
  const steps = ceiling.amount / (values.length / 4) / (8 * 4 * 2);
  assert.equal(steps, 256 * 8);
  const wanted = [0.999, 0.998, 0.997, 0.996].map((m) => chains({ m, c: 1e-3, steps }));
  values.forEach((value, at) => {
    const off = Math.abs(value / (wanted[at % 4] ?? NaN) - 1);
    assert.ok(off < 1e-3, `y[${at}]: wanted ${wanted[at % 4]}, found ${value}`);
  });
});

Deno.test("memoryCeiling: copies, and counts each byte read and written", async () => {
  const gpu = await testGpu();
  using ceiling = await memoryCeiling(gpu);
  const { dispatches: [dispatch] } = ceiling.program.plan;
  const [x] = dispatch?.read ?? [];
  assert.ok(x !== undefined);
  assert.equal(ceiling.amount, x.storage.bytes + ceiling.program.outputs.storage.bytes);
  const values = Float32Array.from({ length: x.size }, (_, at) => at);
  x.write(values);
  const found = await outputsOf(ceiling);
  assert.ok(found.every((value, at) => value === values[at]));
});

Deno.test("measureCeilings: both are rates that a machine can have, and nothing stays behind", async () => {
  const gpu = await testGpu();
  const before = gpu.bufferCount;
  const { flopPerSecond, bytesPerSecond } = await measureCeilings(gpu, { samples: 2 });
  assert.ok(flopPerSecond > 1e8 && flopPerSecond < 1e15, `${flopPerSecond} FLOP/s`);
  assert.ok(bytesPerSecond > 1e8 && bytesPerSecond < 1e14, `${bytesPerSecond} byte/s`);
  assert.equal(gpu.bufferCount, before);
});
