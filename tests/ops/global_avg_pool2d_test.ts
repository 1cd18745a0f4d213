import assert from "node:assert/strict";
import { globalAvgPool2d } from "../../lib/ops/global_avg_pool2d.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";

Deno.test("globalAvgPool2d: images that are not square", async () => {
  const [n, height, width, channels] = [3, 5, 3, 41];
  await checkOp(({ x }) => globalAvgPool2d(x), {
    inputs: { x: uniform([n, height, width, channels]) },
    shape: [n, channels],
    reference: ({ x }) =>
      Float64Array.from({ length: n * channels }, (_, at) => {
        const first = Math.floor(at / channels) * height * width * channels + at % channels;
        const pixels = Array.from({ length: height * width }, (_, p) => x[first + p * channels]);
        return pixels.reduce<number>((sum, value = NaN) => sum + value, 0) / pixels.length;
      }),
  });
});

Deno.test("globalAvgPool2d: refuses what it cannot pool", async () => {
  const gpu = await testGpu();
  assert.throws(() => globalAvgPool2d(gpu.zeros([4, 4])), {
    name: "TypeError",
    message: "Cannot pool x: wanted four dimensions, found [4, 4]",
  });
  assert.throws(() => globalAvgPool2d(gpu.zeros([1, 4, 4, 1], { label: "n", dtype: "u32" })), {
    name: "TypeError",
    message: "Cannot pool x: n must hold f32 or f16 numbers, found u32",
  });
});
