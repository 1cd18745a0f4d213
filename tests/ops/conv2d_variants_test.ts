import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { sizeOf } from "../../lib/gpu/layout.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { flopOf, type Geometry } from "../../lib/ops/conv2d/geometry.ts";
import type { Variant } from "../../lib/ops/conv2d/variant.ts";
import { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT } from "../../lib/ops/conv2d/variants.ts";
import { assertLargest, largest } from "../support/assert_largest.ts";
import { testGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";
import { convolve, convolvedShape } from "../support/reference/conv2d.ts";
import { readChecked } from "../support/stored.ts";

interface Case {
  readonly name: string;
  readonly x: readonly [number, number, number, number];
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  /** Default: what keeps the sides at stride 1. */
  readonly padding?: number;
}

const CASES: readonly Case[] = [
  { name: "odd sides", x: [2, 9, 7, 16], outputs: 24, kernel: 3, stride: 1 },
  { name: "many channels", x: [1, 6, 11, 44], outputs: 84, kernel: 3, stride: 1 },
  { name: "stride 2", x: [3, 13, 18, 12], outputs: 41, kernel: 3, stride: 2 },
  { name: "even sides at stride 2", x: [2, 8, 16, 36], outputs: 8, kernel: 3, stride: 2 },
  { name: "few inputs", x: [3, 5, 6, 3], outputs: 20, kernel: 3, stride: 1 },
  { name: "much padding", x: [2, 35, 9, 4], outputs: 6, kernel: 3, stride: 1, padding: 2 },
  { name: "no padding", x: [2, 19, 13, 2], outputs: 8, kernel: 3, stride: 1, padding: 0 },
  { name: "pixels for large tiles", x: [3, 105, 106, 6], outputs: 9, kernel: 3, stride: 1 },
  { name: "many channels at stride 2", x: [2, 7, 9, 20], outputs: 40, kernel: 3, stride: 2 },
  { name: "a kernel of one pixel", x: [2, 10, 12, 16], outputs: 20, kernel: 1, stride: 2 },
  {
    name: "a kernel of one pixel at stride 1",
    x: [2, 6, 9, 20],
    outputs: 24,
    kernel: 1,
    stride: 1,
  },
  { name: "a kernel of five pixels", x: [2, 7, 9, 12], outputs: 20, kernel: 5, stride: 1 },
  {
    name: "a kernel of five pixels on few inputs",
    x: [2, 6, 5, 3],
    outputs: 24,
    kernel: 5,
    stride: 1,
  },
  { name: "a 7x7 stem", x: [3, 19, 37, 3], outputs: 20, kernel: 7, stride: 2 },
  { name: "a 7x7 stem on four inputs", x: [1, 22, 16, 4], outputs: 36, kernel: 7, stride: 2 },
  {
    name: "a 7x7 stem on two inputs without padding",
    x: [1, 9, 24, 2],
    outputs: 16,
    kernel: 7,
    stride: 2,
    padding: 0,
  },
  {
    name: "a 7x7 stem on a single input with much padding",
    x: [2, 6, 20, 1],
    outputs: 6,
    kernel: 7,
    stride: 2,
    padding: 5,
  },
  { name: "a kernel of seven pixels", x: [2, 8, 10, 8], outputs: 20, kernel: 7, stride: 1 },
  { name: "five pixels at stride 2", x: [2, 8, 17, 8], outputs: 20, kernel: 5, stride: 2 },
  { name: "a single channel and pixel", x: [1, 1, 1, 1], outputs: 1, kernel: 3, stride: 1 },
];

function geometryOf(
  { x, outputs, kernel, stride, padding = (kernel - 1) / 2 }: Case,
): Geometry {
  const sizes = { x, w: [kernel, kernel, x[3], outputs], stride, padding } as const;
  return { ...sizes, y: convolvedShape(sizes) };
}

function random(gpu: Gpu, shape: readonly number[], layout: "channels" | "weights" = "channels") {
  const size = sizeOf(shape);
  return gpu.tensor(randomValues(size, { seed: size }), shape, { layout });
}

/** Runs the variants that fit, those of which kernels use subgroups or all others, and compares them with the plain one. */
async function compare<Job extends { readonly geometry: Geometry }>(
  variants: readonly Variant<Job>[],
  { gpu, geometry, subgroups, make }: {
    gpu: Gpu;
    geometry: Geometry;
    subgroups: boolean;
    make: () => { job: Job; out: Tensor };
  },
): Promise<void> {
  const fitting = variants.filter(({ fits, kernels, name }) =>
    name === "plain" ||
    fits(gpu, geometry) && subgroups === kernels.some(({ source }) => source.includes("subgroup"))
  );
  const outputs = fitting.map(({ run }) => {
    const { job, out } = make();
    run(job);
    return out;
  });
  const found = await readChecked(outputs);
  const plain = Array.from(found.at(-1) ?? []);
  assert.ok(largest(plain) > 0);
  fitting.forEach(({ name }, at) =>
    assertLargest(found[at] ?? [], plain, { rtol: 3e-6, what: name })
  );
}

for (const [of, subgroups] of [["with subgroups", true], ["without subgroups", false]] as const) {
  for (const at of CASES) {
    Deno.test(`conv2d: variants ${of} agree with the plain kernels, ${at.name}`, async () => {
      const gpu = await testGpu();
      const geometry = geometryOf(at);
      const x = random(gpu, geometry.x);
      const w = random(gpu, geometry.w, "weights");
      const dy = random(gpu, geometry.y);
      const bias = random(gpu, [at.outputs]);
      await compare(FORWARD, {
        gpu,
        geometry,
        subgroups,
        make: () => {
          const y = gpu.empty(geometry.y);
          return { job: { geometry, x, w, bias, y }, out: y };
        },
      });
      await compare(INPUT_GRADIENT, {
        gpu,
        geometry,
        subgroups,
        make: () => {
          const dx = gpu.empty(geometry.x);
          return { job: { geometry, dy, w, dx }, out: dx };
        },
      });
      await compare(WEIGHT_GRADIENT, {
        gpu,
        geometry,
        subgroups,
        make: () => {
          const dw = gpu.empty(geometry.w, { layout: "weights" });
          return { job: { geometry, x, dy, dw }, out: dw };
        },
      });
    });
  }
}

Deno.test("conv2d: a convolution counts two operations a multiplication", () => {
  const geometry = geometryOf({ name: "", x: [2, 4, 4, 3], outputs: 5, kernel: 3, stride: 1 });
  assert.equal(flopOf(geometry), 2 * (2 * 4 * 4 * 5) * (3 * 3 * 3));
});

function rootMeanSquare(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  const errors = Array.from(wanted, (value, at) => ((found[at] ?? NaN) - value) ** 2);
  return Math.sqrt(errors.reduce((a, b) => a + b, 0) / errors.length);
}

Deno.test("conv2d: every variant rounds off at most four times as much as the plain kernel", async () => {
  const gpu = await testGpu();
  const geometry = geometryOf({ name: "", x: [1, 8, 8, 64], outputs: 16, kernel: 3, stride: 1 });
  const x = random(gpu, geometry.x);
  const w = random(gpu, geometry.w, "weights");
  const values = { x: Float64Array.from(await x.read()), w: Float64Array.from(await w.read()) };
  const exact = convolve(values, geometry);
  const errorOf = async (wanted: string) => {
    const y = gpu.empty(geometry.y);
    FORWARD.find(({ name }) => name === wanted)?.run({ geometry, x, w, bias: null, y });
    return rootMeanSquare(await y.read(), exact);
  };
  const plain = await errorOf("plain");
  assert.ok(plain > 0);
  for (const { name } of FORWARD.filter(({ fits }) => fits(gpu, geometry))) {
    const error = await errorOf(name);
    assert.ok(error <= 4 * plain, `${name} is off by ${error}, the plain kernel by ${plain}`);
  }
});
