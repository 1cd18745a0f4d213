import assert from "node:assert/strict";
import { isInPlace } from "../../lib/gpu/kernel.ts";
import { Tensor } from "../../lib/gpu/tensor.ts";
import { gradients } from "../../lib/gradients.ts";
import { relu } from "../../lib/ops/relu.ts";
import { scale } from "../../lib/ops/scale.ts";
import { watch } from "../../lib/tape.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { mergedPlan } from "../support/merged_plan.ts";
import { spaced } from "../support/operand.ts";
import { randomValues } from "../support/random.ts";
import { testIn } from "../support/test_in.ts";

Deno.test("relu: odd sizes, more than a workgroup", async () => {
  await checkOp(({ x }) => relu(x), {
    inputs: { x: spaced([3, 5, 7, 5]) },
    shape: [3, 5, 7, 5],
    reference: ({ x }) => x.map((value) => Math.max(value, 0)),
  });
});

Deno.test("relu: weights keep their layout", async () => {
  await checkOp(({ x }) => relu(x), {
    inputs: { x: { ...spaced([1, 3, 3, 5]), layout: "weights" } },
    shape: [1, 3, 3, 5],
    reference: ({ x }) => x.map((value) => Math.max(value, 0)),
  });
});

/** 0, -0, the negative numbers at both ends and -1, NaNs of both signs, Infinity. */
const KINKS = {
  f32: [0, 0x80000000, 0x80000001, 0xff7fffff, 0xff800000, 0xbf800000, 0x7fc00000, 0xffc00000]
    .concat(0x7fffffff, 0xffffffff, 0xff800001, 0x7f800000),
  f16: [0, 0x8000, 0x8400, 0xfbff, 0xfc00, 0xbc00, 0x7e00, 0xfe00]
    .concat(0x7fff, 0xffff, 0xfc01, 0x7c00),
};

for (const dtype of ["f32", "f16"] as const) {
  testIn(dtype, `relu: zeros and negative values are dead, a NaN stays, ${dtype}`, async () => {
    const gpu = await testGpu();
    const bits = (dtype === "f32" ? Uint32Array : Uint16Array).from(KINKS[dtype]);
    const words = new Float32Array(bits.buffer);
    const { storage } = gpu.tensor(words, [words.length]);
    const x = watch(new Tensor(gpu, [bits.length], storage, dtype));
    const y = relu(x);
    const dy = gpu.tensor(new Float32Array(bits.length).fill(5), x.shape, { dtype });
    const [dx] = gradients(y, [x], { upstream: dy });
    const nans = [NaN, NaN, NaN, NaN, NaN];
    assert.deepEqual([...await y.read()], [0, -0, 0, 0, 0, 0, ...nans, Infinity]);
    assert.deepEqual([...await dx?.read() ?? []], [...Array(11).fill(0), 5]);
  });
}

for (const dtype of ["f32", "f16"] as const) {
  testIn(dtype, `relu: its gradient is written where the upstream one lies, ${dtype}`, async () => {
    const gpu = await testGpu();
    const [x, dy] = [1, 2].map((seed) => {
      const values = randomValues(3 * 35 * 5, { seed, from: -1, to: 1 });
      return watch(gpu.tensor(values, [3, 5, 7, 5], { dtype }));
    });
    assert.ok(x !== undefined && dy !== undefined);
    const { dispatches } = await mergedPlan(gpu, () => {
      const dx = gradients(relu(x), [x], { upstream: scale(dy, 3) });
      return dx.map((gradient) => scale(gradient, 2));
    });
    assert.equal(dispatches.filter(isInPlace).length, 1);
  });
}
