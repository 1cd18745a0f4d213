import assert from "node:assert/strict";
import type { RealType } from "../../lib/gpu/dtype.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import { nameOf } from "../../lib/gpu/kernel.ts";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { Program } from "../../lib/gpu/program.ts";
import { add } from "../../lib/ops/add.ts";
import { batchNorm } from "../../lib/ops/batch_norm.ts";
import { rowsForward } from "../../lib/ops/conv2d/rows.ts";
import { FORWARD } from "../../lib/ops/conv2d/variants.ts";
import { assertClose } from "../support/assert_close.ts";
import { cardGpu, isOnCard, softwareGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";
import { statisticsOf } from "../support/reference/batch_norm.ts";
import { readChecked } from "../support/stored.ts";
import { testIn } from "../support/test_in.ts";

interface Case {
  /** The result's shape; the input has eight channels. */
  readonly shape: readonly [number, number, number, number];
  /** What is added to every result. */
  readonly bias?: number;
  readonly adds?: boolean;
  readonly dtype?: RealType;
}

/** Normalises what a variant convolves; tells the statistics, what was normalised and what was dispatched. */
async function normalised(
  gpu: Gpu,
  { variant, shape, bias = 0, adds = false, dtype = "f32" }: Case & { variant: string },
) {
  const [n, height, width, channels] = shape;
  const random = (shape: readonly number[], layout: "channels" | "weights" = "channels") =>
    gpu.tensor(randomValues(sizeOf(shape), { seed: shape.length + sizeOf(shape) }), shape, {
      layout,
      dtype: layout === "weights" ? "f32" : dtype,
    });
  const geometry = {
    x: [n, height, width, 8],
    w: [3, 3, 8, channels],
    y: shape,
    stride: 1,
    padding: 1,
  } as const;
  const [x, w, other] = [random(geometry.x), random(geometry.w, "weights"), random(shape)];
  const same = (value: number) =>
    gpu.tensor(new Float32Array(channels).fill(value), [channels], { label: "each channel" });
  const [runningMean, runningVariance] = [same(0), same(1)];
  using program = await Program.record(gpu, {
    label: "convolve and normalise",
    build: () => {
      const y = gpu.empty(shape, { dtype });
      const run = FORWARD.find(({ name }) => name === variant)?.run;
      run?.({ geometry, x, w, bias: same(bias), y });
      const sum = adds ? add(y, other) : y;
      const parameters = { weight: same(1), bias: same(0), runningMean, runningVariance };
      return [sum, batchNorm(sum, { ...parameters, training: true, momentum: 1 })];
    },
  });
  program.run();
  const [y = new Float32Array(), normal = new Float32Array(), mean = [], variance = []] =
    await readChecked([...program.outputs, runningMean, runningVariance]);
  return { y, normal, mean, variance, names: program.plan.dispatches.map(nameOf) };
}

/**
 * Statistics and result are those of what was stored, worked out in double precision. A card takes the statistics of
 * half precision before it rounds: it drops a conversion to f16 and back within a kernel.
 */
async function assertNormalised(
  { y, normal, mean, variance }: Awaited<ReturnType<typeof normalised>>,
  { channels, what, dtype = "f32" }: { channels: number; what: string; dtype?: RealType },
) {
  const isBeforeRounding = dtype === "f16" && await isOnCard();
  const rows = y.length / channels;
  const wanted = statisticsOf(Float64Array.from(y), channels);
  const unbiased = wanted.variance.map((value) => value * rows / (rows - 1));
  const [atol, rtol] = isBeforeRounding ? [2e-4, 1e-3] : [1e-6, 1e-5];
  assertClose(mean, wanted.mean, { rtol: 1e-6, atol, what: `${what}'s mean` });
  assertClose(variance, unbiased, { rtol, what: `${what}'s variance` });
  const scaled = Array.from(y, (value, at) => {
    const channel = at % channels;
    const deviation = Math.sqrt((wanted.variance[channel] ?? NaN) + 1e-5);
    return (value - (wanted.mean[channel] ?? NaN)) / deviation;
  });
  assertClose(normal, scaled, { atol: 2e-3, what: `${what}'s result` });
}

const CASES: Readonly<Record<string, Case>> = {
  "one part": { shape: [2, 16, 16, 16] },
  "three parts of more channels than a workgroup has, in the sum's store": {
    shape: [3, 16, 32, 21],
    adds: true,
  },
  "a mean of a thousand deviations": { shape: [4, 16, 16, 4], bias: 1500 },
  "in half precision": { shape: [2, 16, 16, 12], adds: true, dtype: "f16" },
};

/** What tiles of pixels need not fill: the last has few of them, or is the only one. */
const UNEVEN: Readonly<Record<string, Case>> = {
  "a last tile of few pixels": { shape: [7, 13, 11, 21], adds: true },
  "many pixels, of which an invocation has eight": { shape: [9, 61, 60, 8] },
  "fewer pixels than a tile has": { shape: [1, 5, 9, 4], bias: 1500 },
  "in half precision, more channels than a tile has": { shape: [3, 9, 9, 72], dtype: "f16" },
};

/** Declares a test of `rows.wgsl`, ignored where subgroups are smaller than it wants. */
async function testRows(
  name: string,
  fn: () => Promise<void>,
  { dtype = "f32" }: { dtype?: RealType | undefined } = {},
): Promise<void> {
  const sizes = { x: [1, 8, 8, 8], w: [3, 3, 8, 8], stride: 1, padding: 1 } as const;
  const fits = rowsForward.fits(await softwareGpu(), { ...sizes, y: sizes.x });
  if (fits) testIn(dtype, name, fn);
  else Deno.test.ignore(`${name} (ignored: subgroups of less than eight)`, fn);
}

for (const [name, given] of Object.entries(CASES)) {
  await testRows(`conv2d: rows makes the moments of its result in its store, ${name}`, async () => {
    const gpu = await softwareGpu();
    for (const [variant, entry] of [["rows", "forward"], ["winograd", "winograd"]] as const) {
      const found = await normalised(gpu, { variant, ...given });
      const sum = given.adds ? " + add.forward" : "";
      assert.deepEqual(found.names, [
        `conv2d/rows.${entry}_with_moments${sum} + batch_norm.moments`,
        "batch_norm.normalise_batch",
      ]);
      const { shape: [, , , channels], dtype = "f32" } = given;
      await assertNormalised(found, { channels, what: variant, dtype });
    }
  }, given);
}

for (const [name, given] of Object.entries({ ...CASES, ...UNEVEN })) {
  testIn(
    given.dtype ?? "f32",
    `conv2d: gemm makes the moments of its tiles in its store, ${name}`,
    async () => {
      const gpu = await softwareGpu();
      for (const variant of ["gemm16", "gemm32", "gemm64"]) {
        const found = await normalised(gpu, { variant, ...given });
        const sum = given.adds ? " + add.forward" : "";
        assert.deepEqual(found.names, [
          `conv2d/gemm.forward_with_moments${sum} + batch_norm.moments`,
          "batch_norm.merge_moments",
          "batch_norm.normalise_batch",
        ]);
        const { shape: [, , , channels], dtype = "f32" } = given;
        await assertNormalised(found, { channels, what: variant, dtype });
      }
    },
  );
}

Deno.test("conv2d: on a card, gemm's best tiles are parts of the moments already", async () => {
  using gpu = await cardGpu();
  const namesOf = async (variant: string, shape: Case["shape"]) => {
    const found = await normalised(gpu, { variant, shape });
    await assertNormalised(found, { channels: shape[3], what: variant });
    return found.names.slice(0, -1);
  };
  const merged = ["conv2d/gemm.forward_with_moments + batch_norm.moments"];
  assert.deepEqual(await namesOf("gemm16", [2, 13, 15, 16]), merged);
  assert.deepEqual(await namesOf("gemm32", [2, 13, 15, 32]), merged);
  assert.deepEqual(await namesOf("gemm64", [2, 13, 15, 64]), merged);
  assert.deepEqual(await namesOf("gemm64", [2, 13, 15, 16]), [
    ...merged,
    "batch_norm.merge_moments",
  ]);
  assert.deepEqual(await namesOf("gemm16", [2, 13, 15, 64]), [
    "conv2d/gemm.forward",
    "batch_norm.moments",
  ]);
});

await testRows(
  "conv2d: rows makes the moments of its result where parts have several tiles",
  async () => {
    const shape = [3, 178, 256, 4] as const;
    using gpu = await cardGpu();
    const found = await normalised(gpu, { variant: "rows", shape, bias: 100 });
    assert.deepEqual(found.names, [
      "conv2d/rows.forward_with_moments + batch_norm.moments",
      "batch_norm.merge_moments",
      "batch_norm.normalise_batch",
    ]);
    await assertNormalised(found, { channels: shape[3], what: "rows" });
  },
);

const APART: Readonly<Record<string, Case["shape"]>> = {
  "tiles reach past its rows": [16, 16, 12, 8],
  "its pixels do not fill the workgroups": [3, 16, 16, 8],
};

for (const [name, shape] of Object.entries(APART)) {
  await testRows(
    `conv2d: rows leaves the moments of its result to a pass where ${name}`,
    async () => {
      const gpu = await softwareGpu();
      const { names } = await normalised(gpu, { variant: "winograd", shape });
      assert.deepEqual(names, [
        "conv2d/rows.winograd",
        "batch_norm.moments",
        "batch_norm.normalise_batch",
      ]);
    },
  );
}
