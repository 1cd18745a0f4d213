import assert from "node:assert/strict";
import subgroupSource from "../../kernels/subgroup_sum.wgsl" with { type: "text" };
import { requestAdapter } from "../../lib/gpu/adapter.ts";
import { Gpu } from "../../lib/gpu/device.ts";
import { Kernel } from "../../lib/gpu/kernel.ts";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { broadcast } from "../../lib/ops/broadcast.ts";
import { finishColumns, type Keep, mean, sum } from "../../lib/ops/sum.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { cardGpu, testGpu } from "../support/gpu.ts";
import { mergedPlan } from "../support/merged_plan.ts";
import { uniform } from "../support/operand.ts";
import { randomValues } from "../support/random.ts";
import { withoutFeature } from "../support/without_feature.ts";

function kept(shape: readonly number[], keep: Keep): number[] {
  if (keep === "none") return [];
  return [(keep === "channels" ? shape.at(-1) : shape[0]) ?? 1];
}

function total(x: Float64Array, { shape, keep }: { shape: readonly number[]; keep: Keep }) {
  const [bins = 1] = kept(shape, keep);
  const y = new Float64Array(bins);
  x.forEach((value, at) => {
    const bin = keep === "channels" ? at % bins : Math.floor(at / (sizeOf(shape) / bins));
    y[bin] = (y[bin] ?? NaN) + value;
  });
  return y;
}

const KEEPS: readonly Keep[] = ["channels", "samples", "none"];

for (const keep of KEEPS) {
  for (const shape of [[3, 5, 7, 5], [1, 1], [5, 1, 1, 41]]) {
    Deno.test(`sum: keeps ${keep} of [${shape.join(", ")}]`, async () => {
      await checkOp(({ x }) => sum(x, { keep }), {
        inputs: { x: uniform(shape) },
        shape: kept(shape, keep),
        reference: ({ x }) => total(x, { shape, keep }),
        most: 40,
      });
    });
  }
  Deno.test(`sum: keeps ${keep} of weights`, async () => {
    const shape = [2, 3, 3, 5];
    await checkOp(({ x }) => sum(x, { keep }), {
      inputs: { x: uniform(shape, { layout: "weights" }) },
      shape: kept(shape, keep),
      reference: ({ x }) => total(x, { shape, keep }),
    });
  });
  Deno.test(`sum: keeps ${keep} of more than one pass adds`, async () => {
    const shape = [4500, 5];
    await checkOp(({ x }) => sum(x, { keep }), {
      inputs: { x: uniform(shape, { from: 0, to: 1 }) },
      shape: kept(shape, keep),
      reference: ({ x }) => total(x, { shape, keep }),
      second: false,
      most: 10,
    });
  });
}

Deno.test("sum: a vector and a scalar", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1, 2, 3, 4, 5], [5]);
  assert.deepEqual([...await sum(x, { keep: "channels" }).read()], [1, 2, 3, 4, 5]);
  assert.deepEqual([...await sum(x, { keep: "none" }).read()], [15]);
  assert.deepEqual([...await sum(gpu.constant(7), { keep: "none" }).read()], [7]);
});

Deno.test("sum: more workgroups than one dimension holds", async () => {
  const gpu = await testGpu();
  const rows = 65536 * 64 + 1;
  using x = broadcast(gpu.constant(0.5), [rows, 4], { keep: "none" });
  assert.deepEqual([...await sum(x, { keep: "none" }).read()], [2 * rows]);
});

Deno.test("sum: with subgroups and without them", async () => {
  const adapter = await requestAdapter();
  assert.ok(adapter !== null);
  using plain = await Gpu.open({ adapter: withoutFeature("subgroups", adapter) });
  const shape = [3, 500, 7];
  const x = uniform(shape);
  for (const gpu of [plain, await testGpu()]) {
    for (const keep of KEEPS) {
      const tensor = gpu.tensor(x.values, shape);
      const { result, dispatches } = gpu.record(() => sum(tensor, { keep }));
      const names = dispatches.map(({ kernel }) => kernel.name);
      assert.equal(names.includes("subgroup_sum"), gpu.hasSubgroups, `${names}`);
      assert.deepEqual(result.shape, kept(shape, keep));
      const found = await sum(tensor, { keep }).read();
      const wanted = total(Float64Array.from(x.values), { shape, keep });
      assertClose(found, wanted, { atol: 1e-4, what: `${keep}, subgroups ${gpu.hasSubgroups}` });
    }
  }
});

Deno.test("sum: workgroups of one subgroup and of many", async () => {
  const gpu = await testGpu();
  if (!gpu.hasSubgroups) return;
  const kernel = new Kernel("subgroup_sum", subgroupSource);
  const shape = [130, 12];
  const x = uniform(shape);
  const [tensor, values] = [gpu.tensor(x.values, shape), Float64Array.from(x.values)];
  for (const lanes of [4, 8, 64, 256]) {
    const [columns, rows] = [gpu.zeros([12]), gpu.zeros([130])];
    const jobs = [
      { entry: "columns_finish", y: columns, sizes: { rows: 130, quads: 3, chunk: 1 }, groups: 3 },
      { entry: "row", y: rows, sizes: { rows: 1, quads: 390, chunk: 390 }, groups: 4 },
    ];
    for (const { entry, y, sizes, groups } of jobs) {
      const constants = { ...sizes, lanes };
      kernel.dispatch(entry, { read: [tensor], write: [y], constants, grid: [groups] });
    }
    const wanted = total(values, { shape, keep: "channels" });
    assertClose(await columns.read(), wanted, { atol: 1e-5, what: `columns by ${lanes} lanes` });
    const [all = NaN] = await rows.read();
    const whole = total(values, { shape, keep: "none" });
    assertClose([all], whole, { atol: 1e-4, what: `a row by ${lanes} lanes` });
  }
});

Deno.test("sum: refuses to keep the samples of a vector", async () => {
  const gpu = await testGpu();
  assert.throws(() => sum(gpu.zeros([5]), { keep: "samples" }), {
    name: "TypeError",
    message: "Cannot sum: to keep samples, wanted at least two dimensions, found [5]",
  });
});

Deno.test("mean: divides by the logical size", async () => {
  await checkOp(({ x }) => mean(x), {
    inputs: { x: uniform([3, 5]) },
    shape: [],
    reference: ({ x }) => [x.reduce((a, b) => a + b) / 15],
  });
});

Deno.test("finishColumns: sums of several tensors in one dispatch have the bits of one by one", async () => {
  using card = await cardGpu();
  const sizes = [[3, 1028], [7, 2052], [2, 1024], [5, 1600], [1, 1036], [4, 1024], [37, 1024]];
  for (const gpu of [await testGpu(), card]) {
    const values = sizes.map(([rows = 1, columns = 1], seed) =>
      randomValues(rows * columns, { seed })
    );
    const partials = sizes.map((shape, at) => gpu.tensor(values[at] ?? [], shape));
    const build = () =>
      partials.map((partial) => {
        const [rows = 1, columns = 1] = partial.shape;
        const y = gpu.empty([columns]);
        finishColumns(partial, y, { rows });
        return y;
      });
    const { dispatches } = await mergedPlan(gpu, build);
    const entries = dispatches.map(({ entry }) => entry);
    assert.deepEqual(entries, ["four_columns", "two_columns", "columns"]);
    for (const [at, y] of build().entries()) {
      const wanted = new Float64Array(y.size);
      values[at]?.forEach((value, i) => wanted[i % y.size]! += value);
      assertClose(await y.read(), wanted, { atol: 1e-5, what: `sum ${at}` });
    }
  }
});

Deno.test("sum: scalars of several tensors in one dispatch have the bits of one by one", async () => {
  const adapter = await requestAdapter();
  assert.ok(adapter !== null);
  using plain = await Gpu.open({ adapter: withoutFeature("subgroups", adapter) });
  const sizes = [1, 7, 130, 64, 1000, 33, 260];
  for (const gpu of [plain, await testGpu()]) {
    const tensors = sizes.map((size, at) => gpu.tensor(randomValues(size, { seed: at }), [size]));
    const build = () => tensors.map((x, at) => at % 2 === 0 ? mean(x) : sum(x, { keep: "none" }));
    const { dispatches } = await mergedPlan(gpu, build);
    const entries = dispatches.map(({ entry }) => entry);
    assert.deepEqual(entries, ["four_rows", "two_rows", "row"]);
  }
});
