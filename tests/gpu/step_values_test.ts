import assert from "node:assert/strict";
import { StepValues } from "../../lib/gpu/step_values.ts";
import { testGpu } from "../support/gpu.ts";
import { readIntegers } from "../support/stored.ts";

Deno.test("StepValues: numbers lie in the order of their names", async () => {
  const gpu = await testGpu();
  using step = new StepValues(gpu, ["rate", "epoch", "start", "row", "fifth"]);
  step.setFloat("rate", 0.1);
  step.setInteger("epoch", 2 ** 32 - 1);
  step.setInteger("fifth", 5);
  step.upload();
  assert.equal(step.at("rate").index, 0);
  assert.equal(step.at("fifth").index, 4);
  const [bits] = new Uint32Array(new Float32Array([0.1]).buffer);
  assert.deepEqual(await readIntegers(step.at("rate").values), [bits, 2 ** 32 - 1, 0, 0, 5]);
});

Deno.test("StepValues: nothing changes before upload", async () => {
  const gpu = await testGpu();
  using step = new StepValues(gpu, ["epoch"]);
  step.setInteger("epoch", 1);
  step.upload();
  step.setInteger("epoch", 2);
  assert.deepEqual(await readIntegers(step.at("epoch").values), [1]);
});

Deno.test("StepValues: refuses a name that it does not hold", async () => {
  const gpu = await testGpu();
  using step = new StepValues<string>(gpu, ["rate", "epoch"]);
  assert.throws(() => step.setFloat("speed", 1), {
    name: "RangeError",
    message: "Cannot find step value speed: wanted one of rate, epoch",
  });
});
