import assert from "node:assert/strict";
import type { Gpu } from "../../../lib/gpu/device.ts";
import type { RealType } from "../../../lib/gpu/dtype.ts";
import { sizeOf } from "../../../lib/gpu/layout.ts";
import type { Geometry } from "../../../lib/ops/conv2d/geometry.ts";
import { questionOf, weightGradientPass } from "../../../lib/ops/conv2d/passes.ts";
import { plainWeightGradient } from "../../../lib/ops/conv2d/plain.ts";
import { slideWeightGradient } from "../../../lib/ops/conv2d/slide.ts";
import { assertLargest, largest } from "../../support/assert_largest.ts";
import { cardGpu, softwareGpu, testGpu } from "../../support/gpu.ts";
import { randomValues } from "../../support/random.ts";
import { convolvedShape } from "../../support/reference/conv2d.ts";
import { readChecked } from "../../support/stored.ts";
import { testIn } from "../../support/test_in.ts";

type Sizes = Geometry["x"];

function geometryOf(x: Sizes, outputs = x[3]): Geometry {
  const sizes = { x, w: [3, 3, x[3], outputs], stride: 1, padding: 1 } as const;
  return { ...sizes, y: convolvedShape(sizes) };
}

/** How a call is cut up: the constants of its dispatch that say so, and its grid. */
function cutOf(gpu: Gpu, geometry: Geometry) {
  const { dispatches } = gpu.record(() =>
    slideWeightGradient.run({
      geometry,
      x: gpu.empty(geometry.x),
      dy: gpu.empty(geometry.y),
      dw: gpu.empty(geometry.w, { layout: "weights" }),
    })
  );
  const [{ grid = null, constants = {} } = {}] = dispatches;
  const { tile_inputs, tile_outputs, strip, strips, images, sharers } = constants;
  return { tile: [tile_inputs, tile_outputs], strip, strips, images, sharers, grid };
}

const STORAGE = 32768;

/** Images in memory past those that a call is about: what lies outside a buffer would read as zero. */
const IMAGES_BEYOND = 4;

/** Compares the weight gradient of a call with the plain kernel's. */
async function assertAgrees(geometry: Geometry, dtype: RealType): Promise<void> {
  const gpu = await testGpu();
  const fits = slideWeightGradient.fits(gpu, geometry);
  assert.ok(fits || gpu.device.limits.maxComputeWorkgroupStorageSize < STORAGE);
  if (!fits) return;
  const random = ([batch, ...sizes]: Sizes, seed: number) => {
    const shape = [batch + IMAGES_BEYOND, ...sizes];
    return gpu.tensor(randomValues(sizeOf(shape), { seed }), shape, { dtype });
  };
  const [x, dy] = [random(geometry.x, 1), random(geometry.y, 2)];
  const results = [plainWeightGradient, slideWeightGradient].map(({ run }) => {
    const dw = gpu.empty(geometry.w, { layout: "weights" });
    run({ geometry, x, dy, dw });
    return dw;
  });
  const [wanted = [], found = []] = await readChecked(results);
  assert.ok(largest(wanted) > 0);
  assertLargest(found, wanted, { rtol: 3e-6, what: "slide" });
}

const CASES: Readonly<Record<string, Geometry>> = {
  "8 pixels wide": geometryOf([3, 8, 8, 64]),
  "16 pixels wide": geometryOf([2, 16, 16, 32]),
  "32 pixels wide": geometryOf([2, 12, 32, 16]),
  "7 pixels wide, with a last strip of three rows": geometryOf([3, 7, 7, 16]),
  "5 pixels wide, with a last strip of two rows": geometryOf([2, 5, 5, 32], 16),
  "more pixels than whole runs": geometryOf([2, 10, 19, 21], 24),
  "channels that leave lanes and a vec4 empty": geometryOf([2, 6, 9, 33], 41),
  "a single row of a single input": geometryOf([3, 1, 11, 1], 5),
  "more lanes than rows": geometryOf([2, 2, 8, 16]),
  "tiles of both sides": geometryOf([2, 9, 16, 64]),
  "tiles of inputs": geometryOf([2, 6, 9, 64], 16),
  "tiles of outputs": geometryOf([2, 6, 9, 16], 64),
};

const BATCHES: Readonly<Record<string, { geometry: Geometry; images: number }>> = {
  "small images": { geometry: geometryOf([301, 5, 5, 16]), images: 3 },
  "many strips": { geometry: geometryOf([67, 30, 8, 21]), images: 3 },
  "many tiles": { geometry: geometryOf([66, 31, 5, 64]), images: 5 },
};

for (const dtype of ["f32", "f16"] as const) {
  for (const [name, geometry] of Object.entries(CASES)) {
    testIn(
      dtype,
      `slideWeightGradient: agrees with the plain kernel in ${dtype}, ${name}`,
      async () => {
        await assertAgrees(geometry, dtype);
      },
    );
  }
  for (const [name, { geometry, images }] of Object.entries(BATCHES)) {
    testIn(
      dtype,
      `slideWeightGradient: the last workgroups have fewer images, ${name} in ${dtype}`,
      async () => {
        assert.equal(cutOf(await testGpu(), geometry).images, images);
        assert.notEqual(geometry.x[0] % images, 0);
        await assertAgrees(geometry, dtype);
      },
    );
  }
}

Deno.test("slideWeightGradient: wide ResNets at batch 128 are cut up as measured on an H200", async () => {
  const gpu = await testGpu();
  assert.deepEqual(
    [[32, 16], [16, 32], [16, 64]].map(([side = 0, channels = 0]) =>
      cutOf(gpu, geometryOf([128, side, side, channels]))
    ),
    [
      { tile: [4, 4], strip: 4, strips: 8, images: 4, sharers: 4, grid: [256, 1, 1] },
      { tile: [8, 8], strip: 4, strips: 4, images: 2, sharers: 1, grid: [256, 1, 1] },
      { tile: [8, 8], strip: 4, strips: 4, images: 4, sharers: 1, grid: [128, 2, 2] },
    ],
  );
});

Deno.test("slideWeightGradient: fits three by three taps at stride 1 and padding 1, within workgroup memory", async () => {
  const gpu = await testGpu();
  const geometry = geometryOf([2, 8, 8, 16]);
  const fits = (changed: Partial<Geometry>) =>
    slideWeightGradient.fits(gpu, { ...geometry, ...changed });
  assert.ok(fits({}));
  assert.ok(!fits({ w: [5, 3, 16, 16] }));
  assert.ok(!fits({ w: [3, 1, 16, 16] }));
  assert.ok(!fits({ stride: 2 }));
  assert.ok(!fits({ padding: 0 }));
  // One vec4 of inputs and eight of outputs: six rows of x with a rim and four of dy, in runs of eight pixels.
  const { maxComputeWorkgroupStorageSize: bytes } = gpu.device.limits;
  const runs = Math.floor((bytes / 16 - 6 * 2) / (8 * (6 + 4 * 8)));
  assert.ok(slideWeightGradient.fits(gpu, geometryOf([2, 8, 8 * runs, 4], 32)));
  assert.ok(!slideWeightGradient.fits(gpu, geometryOf([2, 8, 8 * runs + 1, 4], 32)));
});

Deno.test("slideWeightGradient: a card takes it for 16 to 64 channels and images 8 to 32 wide", async () => {
  using card = await cardGpu();
  const choice = (gpu: Gpu, geometry: Geometry) =>
    questionOf(gpu, { pass: weightGradientPass, geometry, dtype: "f32" }).fallback;
  const suiting = [
    geometryOf([128, 32, 32, 16]),
    geometryOf([128, 16, 16, 32]),
    geometryOf([128, 8, 8, 64]),
    geometryOf([128, 14, 14, 13], 64),
  ].filter((geometry) => slideWeightGradient.fits(card, geometry));
  assert.ok(suiting.length > 0);
  for (const geometry of suiting) {
    assert.equal(choice(card, geometry), "slide");
    assert.notEqual(choice(await softwareGpu(), geometry), "slide");
  }
  for (
    const [geometry, wanted] of [
      [geometryOf([128, 7, 7, 64]), "gemm64"],
      [geometryOf([128, 33, 33, 16]), "gemm16"],
      [geometryOf([128, 8, 8, 68]), "gemm64"],
      [geometryOf([128, 32, 32, 3], 16), "gemm16"],
      [geometryOf([128, 16, 16, 16], 128), "gemm64"],
    ] as const
  ) assert.equal(choice(card, geometry), wanted);
});
