import assert from "node:assert/strict";
import { nameOf } from "../../lib/gpu/kernel.ts";
import { Program } from "../../lib/gpu/program.ts";
import type { Activations } from "../../lib/models/activations.ts";
import { freeze } from "../../lib/models/model.ts";
import { openModel } from "../../lib/models/open_model.ts";
import { assertLargest } from "../support/assert_largest.ts";
import { testGpu } from "../support/gpu.ts";
import { TRAJECTORIES } from "../support/mini.ts";
import { randomValues } from "../support/random.ts";
import { tinyModel } from "../support/tiny.ts";

Deno.test("freeze: a trained wide ResNet evaluates to the same, with half of its normalisations", async () => {
  const gpu = await testGpu();
  using model = await openModel(gpu, `${TRAJECTORIES}teacher.safetensors`);
  using frozen = freeze(model);
  const x = gpu.tensor(randomValues(2 * 32 * 32 * 3, { seed: 1, from: -2, to: 2 }), [2, 32, 32, 3]);
  const record = (label: string, apply: () => Activations) =>
    Program.record(gpu, {
      label,
      build: () => {
        const { logits, taps } = apply();
        return [logits, ...taps];
      },
    });
  using plain = await record("plain", () => model.apply(x, { training: false }));
  using folded = await record("folded", () => frozen.apply(x));
  plain.run();
  folded.run();
  const [wanted, found] = [await gpu.read(plain.outputs), await gpu.read(folded.outputs)];
  assert.equal(wanted.length, 4);
  wanted.forEach((values, at) => {
    assertLargest(found[at] ?? [], values, { rtol: 1e-5, what: `output ${at}` });
  });
  const normalisations = ({ plan }: typeof plain) =>
    plan.dispatches.map(nameOf).filter((name) => name.startsWith("batch_norm")).length;
  assert.deepEqual([normalisations(plain), normalisations(folded)], [13, 7]);
});

Deno.test("freeze: what it made is freed, the parameters stay", async () => {
  const gpu = await testGpu();
  using model = await openModel(gpu, `${TRAJECTORIES}teacher.safetensors`);
  const before = gpu.bufferCount;
  {
    using _frozen = freeze(model);
    assert.ok(gpu.bufferCount > before);
  }
  assert.equal(gpu.bufferCount, before);
  await model.parameters.flat.read();
});

Deno.test("freeze: a network without folding evaluates as it is", async () => {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  const x = gpu.tensor(randomValues(2 * 64 * 3, { seed: 1 }), [2, 8, 8, 3]);
  const [found, wanted] = [freeze(model).apply(x), model.apply(x, { training: false })];
  assert.deepEqual(await found.logits.read(), await wanted.logits.read());
});
