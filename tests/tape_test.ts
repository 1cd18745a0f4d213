import assert from "node:assert/strict";
import { multiply } from "../lib/ops/multiply.ts";
import { scale } from "../lib/ops/scale.ts";
import { alias, record, stopGradient, watch, withoutGradients } from "../lib/tape.ts";
import { testGpu } from "./support/gpu.ts";

Deno.test("tape: an op on tensors without gradients is not remembered", async () => {
  const gpu = await testGpu();
  const y = scale(gpu.tensor([1], [1]), 2);
  assert.equal(y.requiresGrad, false);
  assert.equal(y.operation, null);
});

Deno.test("tape: an op is remembered if one input needs a gradient", async () => {
  const gpu = await testGpu();
  const [a, b] = [gpu.tensor([1], [1]), watch(gpu.tensor([2], [1]))];
  const y = multiply(a, b);
  assert.equal(y.requiresGrad, true);
  assert.equal(y.operation?.name, "multiply");
  assert.deepEqual(y.operation?.inputs, [a, b]);
});

Deno.test("watch: makes a leaf of the same values and leaves the tensor alone", async () => {
  const gpu = await testGpu();
  const y = scale(watch(gpu.tensor([1, 2], [2])), 2);
  const leaf = watch(y);
  assert.equal(leaf.operation, null);
  assert.equal(leaf.requiresGrad, true);
  assert.equal(leaf.storage, y.storage);
  assert.equal(y.operation?.name, "scale");
});

Deno.test("stopGradient: gives a constant of the same values", async () => {
  const gpu = await testGpu();
  const y = scale(watch(gpu.tensor([1, 2], [1, 2])), 2);
  const constant = stopGradient(y);
  assert.equal(constant.requiresGrad, false);
  assert.equal(constant.operation, null);
  assert.deepEqual(constant.shape, [1, 2]);
  assert.deepEqual([...await constant.read()], [2, 4]);
});

Deno.test("alias: keeps type and layout under another shape", async () => {
  const gpu = await testGpu();
  const w = alias(gpu.zeros([1, 2, 3, 5], { layout: "weights", dtype: "u32" }), [2, 1, 3, 5]);
  assert.deepEqual([w.shape, w.layout, w.dtype], [[2, 1, 3, 5], "weights", "u32"]);
});

Deno.test("withoutGradients: remembers nothing, and again afterwards, even after an error", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor([1], [1]));
  const inside = withoutGradients(() => {
    withoutGradients(() => scale(x, 3));
    return scale(x, 2);
  });
  assert.equal(inside.requiresGrad, false);
  assert.equal(scale(x, 2).requiresGrad, true);
  assert.throws(() =>
    withoutGradients(() => {
      throw new Error("inside");
    }), { message: "inside" });
  assert.equal(scale(x, 2).requiresGrad, true);
});

Deno.test("record: the differentiable form is the plain one unless another is given", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor([1], [1]));
  const vjp = () => [x];
  const other = () => [null];
  const make = (differentiableVjp?: typeof other | null) =>
    record({
      name: "test",
      inputs: [x],
      output: gpu.zeros([1]),
      vjp,
      ...(differentiableVjp === undefined ? {} : { differentiableVjp }),
    }).operation;
  assert.equal(make()?.differentiableVjp, vjp);
  assert.equal(make(other)?.differentiableVjp, other);
  assert.equal(make(null)?.differentiableVjp, null);
});
