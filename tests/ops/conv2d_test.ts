import assert from "node:assert/strict";
import { conv2d } from "../../lib/ops/conv2d.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";
import { type Convolution, convolve, convolvedShape } from "../support/reference/conv2d.ts";

function operands({ x, w }: Convolution) {
  return { x: uniform(x), w: uniform(w, { seed: 2, layout: "weights" }) };
}

const CASES: Readonly<Record<string, Convolution>> = {
  "stride 1": { x: [2, 5, 7, 3], w: [3, 3, 3, 5], stride: 1, padding: 1 },
  "stride 2 on even and odd sides": { x: [2, 5, 6, 5], w: [3, 3, 5, 3], stride: 2, padding: 1 },
  "a kernel of five pixels": { x: [1, 6, 7, 3], w: [5, 5, 3, 2], stride: 1, padding: 2 },
  "windows that leave gaps": { x: [1, 7, 8, 2], w: [2, 2, 2, 3], stride: 3, padding: 1 },
};

for (const [name, sizes] of Object.entries(CASES)) {
  Deno.test(`conv2d: ${name}, with second derivatives`, async () => {
    await checkOp(({ x, w }) => conv2d(x, w, sizes), {
      inputs: operands(sizes),
      shape: convolvedShape(sizes),
      reference: (values) => convolve(values, sizes),
    });
  });
}

Deno.test("conv2d: a bias, with second derivatives", async () => {
  const sizes: Convolution = { x: [2, 5, 8, 1], w: [1, 1, 1, 5], stride: 2, padding: 0 };
  await checkOp(({ x, w, b }) => conv2d(x, w, { stride: 2, bias: b }), {
    inputs: { ...operands(sizes), b: uniform([5], { seed: 3 }) },
    shape: convolvedShape(sizes),
    reference: (values) => convolve(values, sizes),
  });
});

const LARGE: Readonly<Record<string, Convolution>> = {
  "41 to 24 channels": { x: [1, 6, 8, 41], w: [3, 3, 41, 24], stride: 1, padding: 1 },
  "a 7x7 stem": { x: [1, 9, 11, 3], w: [7, 7, 3, 8], stride: 2, padding: 3 },
  "more rows than a workgroup adds at once": {
    x: [3, 30, 2, 1],
    w: [1, 1, 1, 1],
    stride: 1,
    padding: 0,
  },
};

for (const [name, sizes] of Object.entries(LARGE)) {
  Deno.test(`conv2d: ${name}`, async () => {
    await checkOp(({ x, w }) => conv2d(x, w, sizes), {
      inputs: operands(sizes),
      shape: convolvedShape(sizes),
      reference: (values) => convolve(values, sizes),
      second: false,
      most: 60,
    });
  });
}

Deno.test("conv2d: refuses what does not fit", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([1, 4, 4, 3], { label: "x" });
  const w = gpu.zeros([3, 3, 3, 5], { label: "w", layout: "weights" });
  const refuses = (run: () => void, name: string, message: string) =>
    assert.throws(run, { name, message });
  refuses(
    () => conv2d(gpu.zeros([4, 4, 3]), w),
    "TypeError",
    "Cannot convolve x: wanted four dimensions, found [4, 4, 3]",
  );
  refuses(
    () => conv2d(x, gpu.zeros([3, 5], { layout: "weights" })),
    "TypeError",
    "Cannot convolve with w: wanted four dimensions, found [3, 5]",
  );
  refuses(
    () => conv2d(x, gpu.zeros([3, 3, 4, 5], { label: "w", layout: "weights" })),
    "TypeError",
    "Cannot convolve 3 channels: w must be [3, 3, 3, 5], found [3, 3, 4, 5]",
  );
  refuses(
    () => conv2d(x, gpu.zeros([3, 3, 3, 5], { label: "w" })),
    "TypeError",
    "Cannot convolve with w: w must have the layout weights, found channels",
  );
  refuses(
    () => conv2d(x, w, { bias: gpu.zeros([3], { label: "b" }) }),
    "TypeError",
    "Cannot add the bias of a convolution: b must be [5], found [3]",
  );
  refuses(
    () => conv2d(x, w, { stride: 1.5 }),
    "RangeError",
    "Cannot use the stride of a convolution: wanted an integer of at least 1, found 1.5",
  );
  refuses(
    () => conv2d(x, w, { padding: -1 }),
    "RangeError",
    "Cannot use the padding of a convolution: wanted an integer of at least 0, found -1",
  );
  refuses(
    () => conv2d(gpu.zeros([1, 2, 4, 3]), w),
    "RangeError",
    "Cannot convolve x: a kernel of 3x3 must fit into the padded image, found 2x4",
  );
});
