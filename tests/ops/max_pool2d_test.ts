import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { maxPool2d } from "../../lib/ops/max_pool2d.ts";
import type { Pool2dOptions } from "../../lib/ops/pooling.ts";
import { watch } from "../../lib/tape.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { spaced } from "../support/operand.ts";
import { pool, pooledShape, POOLINGS } from "../support/reference/pool2d.ts";
import { testIn } from "../support/test_in.ts";

for (const sizes of POOLINGS) {
  const { x: shape, size, ...options } = sizes;
  const { stride, padding, ceil = false } = options;
  const how = `padded by ${padding}${ceil ? ", rounded up," : ""}`;
  Deno.test(`maxPool2d: ${size}/${stride} ${how} of [${shape.join(", ")}]`, async () => {
    await checkOp(({ x }) => maxPool2d(x, size, options), {
      inputs: { x: spaced(shape) },
      shape: pooledShape(sizes),
      reference: ({ x }) => pool(x, sizes, (window) => Math.max(...window)),
    });
  });
}

Deno.test("maxPool2d: of equal values the first gets the gradient", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor([0, 2, 2, 1, 2, 0, 2, 0, 1], [1, 3, 3, 1]));
  const y = maxPool2d(x, 2, { stride: 1 });
  const [dx] = gradients(y, [x], { upstream: gpu.tensor([1, 10, 100, 1000], y.shape) });
  assert.deepEqual([...await y.read()], [2, 2, 2, 2]);
  assert.deepEqual([...await dx?.read() ?? []], [0, 11, 0, 0, 1100, 0, 0, 0, 0]);
});

Deno.test("maxPool2d: the padding is never the maximum", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor([-4, -3, -2, -1], [1, 2, 2, 1]));
  const y = maxPool2d(x, 2, { stride: 2, padding: 1 });
  const [dx] = gradients(y, [x], { upstream: gpu.tensor([1, 2, 3, 4], y.shape) });
  assert.deepEqual([...await y.read()], [-4, -3, -2, -1]);
  assert.deepEqual([...await dx?.read() ?? []], [1, 2, 3, 4]);
});

Deno.test("maxPool2d: rounded up, every window starts inside", async () => {
  const gpu = await testGpu();
  const windows = (side: number, size: number, options: Pool2dOptions) =>
    maxPool2d(gpu.zeros([1, side, side, 1]), size, { ...options, ceil: true }).shape[1];
  assert.equal(windows(32, 3, { stride: 2 }), 16);
  assert.equal(windows(33, 3, { stride: 2 }), 16);
  assert.equal(windows(5, 1, { stride: 3 }), 2);
  assert.equal(windows(4, 2, { stride: 3, padding: 1 }), 2);
});

Deno.test("maxPool2d: refuses what does not fit", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([1, 4, 2, 1]);
  assert.throws(() => maxPool2d(gpu.zeros([4, 4]), 2), {
    name: "TypeError",
    message: "Cannot pool x: wanted four dimensions, found [4, 4]",
  });
  assert.throws(() => maxPool2d(x, 3), {
    name: "RangeError",
    message:
      "Cannot pool: a window of 3 must fit into the padded side and be at least twice the padding, found a side of 2 padded by 0",
  });
  assert.throws(() => maxPool2d(x, 3, { padding: 2 }), {
    name: "RangeError",
    message:
      "Cannot pool: a window of 3 must fit into the padded side and be at least twice the padding, found a side of 4 padded by 2",
  });
  assert.throws(() => maxPool2d(x, 0), {
    name: "RangeError",
    message: "Cannot use the window of a pooling: wanted an integer of at least 1, found 0",
  });
  assert.throws(() => maxPool2d(x, 2, { stride: 0 }), {
    name: "RangeError",
    message: "Cannot use the stride of a pooling: wanted an integer of at least 1, found 0",
  });
  assert.throws(() => maxPool2d(x, 2, { padding: 0.5 }), {
    name: "RangeError",
    message: "Cannot use the padding of a pooling: wanted an integer of at least 0, found 0.5",
  });
});

for (const dtype of ["f32", "f16"] as const) {
  testIn(dtype, `maxPool2d: a NaN is the maximum wherever it stands, ${dtype}`, async () => {
    const gpu = await testGpu();
    for (let at = 0; at < 4; at++) {
      const values = [1, 2, 3, 4].map((value, i) => i === at ? NaN : value);
      const y = maxPool2d(gpu.tensor(values, [1, 2, 2, 1], { dtype }), 2);
      assert.deepEqual([...await y.read()], [NaN], `place ${at}`);
    }
  });
}
