import assert from "node:assert/strict";
import { bytesMoved, gridFor, Kernel, split } from "../../lib/gpu/kernel.ts";
import { scale } from "../../lib/ops/scale.ts";
import { dispatchOf, intermediate } from "../support/dispatches.ts";
import { testGpu } from "../support/gpu.ts";
import { testIn } from "../support/test_in.ts";

Deno.test("gridFor: one dimension as far as it reaches", () => {
  assert.deepEqual(gridFor(0, 64), [1, 1]);
  assert.deepEqual(gridFor(1, 64), [1, 1]);
  assert.deepEqual(gridFor(64, 64), [1, 1]);
  assert.deepEqual(gridFor(65, 64), [2, 1]);
  assert.deepEqual(gridFor(65535, 1), [65535, 1]);
});

Deno.test("gridFor: two dimensions hold every item and no row too many", () => {
  for (const groups of [65536, 65537, 131071, 1_000_003]) {
    const [x, y = 1] = gridFor(groups * 64, 64);
    assert.ok(x <= 65535 && y > 1);
    assert.ok(x * y >= groups, `wanted at least ${groups}, found ${x} x ${y}`);
    assert.ok(x * y - groups < y, `wanted less than ${y} idle groups, found ${x * y - groups}`);
  }
});

Deno.test("bytesMoved: each tensor once, unless the dispatch says otherwise", async () => {
  const gpu = await testGpu();
  const a = intermediate(gpu, { label: "a", quads: 2 });
  const b = intermediate(gpu, { label: "b", quads: 3 });
  const dispatch = dispatchOf("twice", { read: [a, a], write: [b] });
  assert.equal(bytesMoved(dispatch), 16 * 2 + 16 * 3);
  assert.equal(bytesMoved({ ...dispatch, bytes: 7 }), 7);
});

Deno.test("split: parts cover all items, none is empty, none too many", () => {
  for (const { least, most } of [{ least: 64, most: 256 }, { least: 1, most: 7 }]) {
    for (const items of [1, 2, 63, 64, 65, 100, 4097, 16384, 16385, 1_000_000]) {
      const { chunk, chunks } = split(items, { least, most });
      assert.ok(chunk * chunks >= items);
      assert.ok(chunk * (chunks - 1) < items);
      assert.ok(chunks <= most);
    }
  }
});

Deno.test("split: a part has at least the least items, where it can", () => {
  assert.deepEqual(split(63, { least: 64, most: 256 }), { chunk: 63, chunks: 1 });
  assert.deepEqual(split(128, { least: 64, most: 256 }), { chunk: 64, chunks: 2 });
  assert.deepEqual(split(130, { least: 64, most: 256 }), { chunk: 44, chunks: 3 });
});

Deno.test("Kernel: is named after its file and must write", async () => {
  const gpu = await testGpu();
  const kernel = new Kernel("sum", "");
  assert.equal(kernel.file, "kernels/sum.wgsl");
  assert.throws(() => kernel.dispatch("rows", { read: [gpu.zeros([1])], write: [], grid: [1] }), {
    name: "GpuError",
    message: "Cannot dispatch sum.rows: it must write a tensor, found none",
  });
});

Deno.test("Kernel: half precision replaces the first line alone", () => {
  const kernel = new Kernel("double", "alias real = f32;\nconst two: real = 2;\n");
  assert.equal(kernel.half.source, "enable f16; alias real = f16;\nconst two: real = 2;\n");
  assert.equal(kernel.half.file, kernel.file);
  assert.equal(kernel.half, kernel.half);
  assert.throws(() => new Kernel("whole", "// integers").half, {
    name: "GpuError",
    message:
      'Cannot run whole in half precision: kernels/whole.wgsl must begin with "alias real = f32;"',
  });
});

testIn(
  "f16",
  "Kernel: a dispatch with a tensor in half precision runs the half kernel under its own label",
  async () => {
    const gpu = await testGpu();
    const labels = (dtype: "f32" | "f16") => {
      const x = gpu.zeros([4], { dtype });
      return gpu.record(() => scale(x, 2)).dispatches.map(({ label }) => label);
    };
    assert.deepEqual(labels("f32"), ["scale.forward {quads:1,factor:2}"]);
    assert.deepEqual(labels("f16"), ["scale.forward f16 {quads:1,factor:2}"]);
  },
);
