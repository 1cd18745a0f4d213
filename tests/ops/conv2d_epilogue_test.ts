import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { Program } from "../../lib/gpu/program.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { add } from "../../lib/ops/add.ts";
import type { Geometry } from "../../lib/ops/conv2d/geometry.ts";
import type { Variant } from "../../lib/ops/conv2d/variant.ts";
import { FORWARD, INPUT_GRADIENT } from "../../lib/ops/conv2d/variants.ts";
import { relu } from "../../lib/ops/relu.ts";
import { testGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";
import { assertSameValues } from "../support/same_values.ts";
import { readChecked } from "../support/stored.ts";

const GEOMETRIES: readonly Geometry[] = [
  { x: [2, 9, 10, 8], w: [3, 3, 8, 12], y: [2, 9, 10, 12], stride: 1, padding: 1 },
  { x: [2, 9, 10, 3], w: [3, 3, 3, 12], y: [2, 9, 10, 12], stride: 1, padding: 1 },
  { x: [2, 9, 20, 3], w: [7, 7, 3, 12], y: [2, 5, 10, 12], stride: 2, padding: 3 },
  { x: [2, 9, 10, 12], w: [3, 3, 12, 12], y: [2, 5, 5, 12], stride: 2, padding: 1 },
];

/** What a sum with them is, whatever is added. */
const FAULTS = [NaN, -Infinity, Infinity];

function random(gpu: Gpu, shape: readonly number[], layout: "channels" | "weights" = "channels") {
  const size = sizeOf(shape);
  return gpu.tensor(randomValues(size, { seed: size }), shape, { layout });
}

/** Runs each variant with what comes after it merged and apart, and wants the same values. */
async function compare<Job>(
  variants: readonly Variant<Job>[],
  { gpu, geometry, make, after }: {
    gpu: Gpu;
    geometry: Geometry;
    make: () => { job: Job; out: Tensor };
    after: (out: Tensor) => Tensor;
  },
): Promise<void> {
  for (const { name, run } of variants.filter(({ fits }) => fits(gpu, geometry))) {
    const build = () => {
      const { job, out } = make();
      run(job);
      return after(out);
    };
    using merged = await Program.record(gpu, { label: "merged", build });
    using apart = await Program.record(gpu, { label: "apart", build, fusion: false });
    merged.run();
    apart.run();
    const [found, wanted] = await readChecked([merged.outputs, apart.outputs]);
    assert.ok(found !== undefined && wanted !== undefined);
    assert.ok(wanted.some((value) => value !== 0));
    await assertSameValues([found], [wanted], { what: name });
    assert.equal(merged.plan.dispatches.length, 1, name);
  }
}

for (const geometry of GEOMETRIES) {
  Deno.test(`conv2d: bias, sum and rectifier in the store, ${geometry.w[2]} inputs, stride ${geometry.stride}`, async () => {
    const gpu = await testGpu();
    const { x: from, w: kernel, y: to } = geometry;
    const [x, dy, w] = [random(gpu, from), random(gpu, to), random(gpu, kernel, "weights")];
    const [bias, other, otherGradient] = [
      random(gpu, kernel.slice(3)),
      random(gpu, to),
      random(gpu, from),
    ];
    await compare(FORWARD, {
      gpu,
      geometry,
      make: () => {
        const y = gpu.empty(to);
        return { job: { geometry, x, w, bias, y }, out: y };
      },
      after: (y) => relu(add(y, other)),
    });
    await compare(INPUT_GRADIENT, {
      gpu,
      geometry,
      make: () => {
        const dx = gpu.empty(from);
        return { job: { geometry, dy, w, dx }, out: dx };
      },
      after: (dx) => relu(add(otherGradient, dx)),
    });
  });
}

Deno.test("conv2d: a NaN stays in the rectifier of each store", async () => {
  const gpu = await testGpu();
  const faulty = (shape: readonly number[]) => {
    const values = Array.from(
      { length: sizeOf(shape) },
      (_, at) => FAULTS[at % FAULTS.length] ?? 0,
    );
    return { other: gpu.tensor(values, shape), wanted: values.map((v) => v === -Infinity ? 0 : v) };
  };
  for (const geometry of GEOMETRIES) {
    const { x: from, w: kernel, y: to } = geometry;
    const [x, dy, w] = [random(gpu, from), random(gpu, to), random(gpu, kernel, "weights")];
    const bias = random(gpu, kernel.slice(3));
    const [ahead, back] = [faulty(to), faulty(from)];
    const check = async (
      name: string,
      { other, wanted }: typeof ahead,
      run: (out: Tensor) => void,
    ) => {
      using program = await Program.record(gpu, {
        label: name,
        build: () => {
          const out = gpu.empty(other.shape);
          run(out);
          return relu(add(out, other));
        },
      });
      program.run();
      assert.equal(program.plan.dispatches.length, 1, name);
      assert.deepEqual([...await program.outputs.read()], wanted, name);
    };
    for (const { name, run } of FORWARD.filter(({ fits }) => fits(gpu, geometry))) {
      await check(name, ahead, (y) => run({ geometry, x, w, bias, y }));
    }
    for (const { name, run } of INPUT_GRADIENT.filter(({ fits }) => fits(gpu, geometry))) {
      await check(name, back, (dx) => run({ geometry, dy, w, dx }));
    }
  }
});

Deno.test("conv2d: nothing is merged after the rectifier, and no second sum", async () => {
  const gpu = await testGpu();
  const [geometry] = GEOMETRIES;
  assert.ok(geometry !== undefined);
  const [x, other, w] = [
    random(gpu, geometry.x),
    random(gpu, geometry.y),
    random(gpu, geometry.w, "weights"),
  ];
  const dispatches = async (after: (y: Tensor) => Tensor) => {
    using program = await Program.record(gpu, {
      label: "merged",
      build: () => {
        const y = gpu.empty(geometry.y);
        FORWARD.at(-1)?.run({ geometry, x, w, bias: null, y });
        return after(y);
      },
    });
    return program.plan.dispatches.length;
  };
  assert.equal(await dispatches((y) => add(relu(y), other)), 2);
  assert.equal(await dispatches((y) => add(add(y, other), other)), 2);
  assert.equal(await dispatches((y) => add(y, y)), 2);
});
