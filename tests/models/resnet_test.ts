import assert from "node:assert/strict";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { gradients } from "../../lib/gradients.ts";
import { foldedResNet } from "../../lib/models/folded_resnet.ts";
import type { Model } from "../../lib/models/model.ts";
import { resNet } from "../../lib/models/resnet.ts";
import { RESNET_WIDTHS, resNetBlocks, type ResNetSizes } from "../../lib/models/resnet_sizes.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { mean } from "../../lib/ops/sum.ts";
import { formatSafetensors } from "../../lib/weights/safetensors.ts";
import { assertComputes } from "../support/assert_computes.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { testGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";
import { evaluateResNet } from "../support/reference/resnet.ts";

function usual(depth: number): ResNetSizes {
  return { blocks: resNetBlocks(depth), widths: RESNET_WIDTHS, stem: 64, classes: 1000 };
}

/** A group with more channels, one with the same and a stride, one with two blocks, one that shrinks. */
const SMALL: ResNetSizes = { blocks: [1, 1, 2, 1], widths: [8, 8, 12, 6], stem: 4, classes: 5 };

Deno.test("resNet: ResNet-18 has the original's numbers and names", async () => {
  using model = resNet(await testGpu(), { ...usual(18), seed: 0 });
  assert.equal(model.name, "ResNet-18");
  assert.equal(model.parameters.count({ statistics: false }), 11_687_720);
  assert.equal(model.parameters.count({ statistics: true }), 11_695_528);
  const shapes = new Map(model.parameters.specs.map(({ name, shape }) => [name, shape.join()]));
  assert.equal(shapes.size, 90);
  assert.equal(shapes.get("conv0"), "64,3,7,7");
  assert.equal(shapes.get("group3.block0.conv0"), "512,256,3,3");
  const shortcuts = [...shapes].filter(([name]) => name.endsWith("convdim"));
  assert.deepEqual(shortcuts, [
    ["group1.block0.convdim", "128,64,1,1"],
    ["group2.block0.convdim", "256,128,1,1"],
    ["group3.block0.convdim", "512,256,1,1"],
  ]);
});

Deno.test("foldedResNet: ResNet-34 has the export's numbers and names", async () => {
  using model = foldedResNet(await testGpu(), { ...usual(34), seed: 0 });
  assert.equal(model.name, "ResNet-34");
  assert.equal(model.parameters.specs.length, 74);
  assert.equal(model.parameters.count({ statistics: true }), 21_789_160);
  const names = new Set(model.parameters.specs.map(({ name }) => name));
  for (const part of ["weight", "bias"]) assert.ok(names.has(`group1.block0.conv_dim.${part}`));
});

Deno.test("foldedResNet: shortcuts need not have a bias", async () => {
  const gpu = await testGpu();
  using biased = foldedResNet(gpu, { ...SMALL, seed: 0 });
  using model = foldedResNet(gpu, { ...SMALL, shortcutBias: false, seed: 0 });
  const bare = new Set(model.parameters.specs.map(({ name }) => name));
  const missing = biased.parameters.specs.map(({ name }) => name).filter((name) => !bare.has(name));
  assert.deepEqual(missing, [0, 1, 2, 3].map((group) => `group${group}.block0.conv_dim.bias`));
});

/** Overwrites every tensor with random numbers, so that no bias is zero and no statistic is what it began as. */
function scramble({ parameters }: Model): void {
  parameters.specs.forEach(({ name, shape }, seed) => {
    const size = parameters.get(name).size;
    const from = /running_var|bn\d\.weight/.test(name) ? 0.5 : shape.length > 1 ? -0.4 : -0.2;
    parameters.get(name).write(randomValues(size, { seed, from, to: from < 0 ? -from : 1.5 }));
  });
}

const SHAPE = [2, 40, 32, 3] as const;

for (const kind of ["plain", "folded"] as const) {
  Deno.test(`resNet: the ${kind} one evaluates as loops in float64 do`, async () => {
    const gpu = await testGpu();
    using model = kind === "plain"
      ? resNet(gpu, { ...SMALL, seed: 0 })
      : foldedResNet(gpu, { ...SMALL, seed: 0 });
    scramble(model);
    const values = randomValues(sizeOf(SHAPE), { seed: 99 });
    const weights = new Map<string, Float64Array>();
    for (const { name } of model.parameters.specs) {
      weights.set(name, Float64Array.from(await model.parameters.get(name).read()));
    }
    const wanted = evaluateResNet(Float64Array.from(values), { weights, sizes: SMALL, x: SHAPE });
    await assertComputes(model, { images: values, shape: SHAPE, wanted });
  });
}

Deno.test("resNet: every parameter gets a gradient, and training moves the statistics", async () => {
  const gpu = await testGpu();
  using model = resNet(gpu, { ...SMALL, seed: 3 });
  const { parameters } = model;
  const x = gpu.tensor(randomValues(sizeOf(SHAPE), { seed: 1 }), SHAPE);
  const before = await parameters.save();
  const { logits } = model.apply(x, { training: true });
  const labels = gpu.tensor([1, 4], [2], { dtype: "u32" });
  const found = gradients(mean(crossEntropy(logits, labels)), parameters.trainable);
  const values = await gpu.read(found);
  parameters.trainable.forEach(({ label }, at) => {
    assert.ok(values[at]?.some((value) => value !== 0), `${label} has a gradient of zeros`);
    assert.ok(values[at]?.every(Number.isFinite), label);
  });
  for (const [name, { data }] of await parameters.save()) {
    const isMoved = Deno.inspect(before.get(name)?.data) !== Deno.inspect(data);
    assert.equal(isMoved, name.includes("running"), name);
  }
});

Deno.test("resNet: the seed decides the bits", async () => {
  const gpu = await testGpu();
  for (const make of [resNet, foldedResNet]) {
    const bitsOf = async (seed: number) => {
      using model = make(gpu, { ...SMALL, seed });
      return formatSafetensors(await model.parameters.save());
    };
    assertSameBytes(await bitsOf(7), await bitsOf(7), "seed 7");
    assert.notDeepEqual(await bitsOf(8), await bitsOf(7));
  }
});

Deno.test("resNet: sizes must be whole numbers, the depth one that there is", async () => {
  const gpu = await testGpu();
  for (const make of [resNet, foldedResNet]) {
    for (const [wrong, found] of [[{ stem: 0 }, 0], [{ blocks: [1, 1, 1.5, 1] as const }, 1.5]]) {
      assert.throws(() => make(gpu, { ...SMALL, ...Object(wrong), seed: 0 }), {
        name: "RangeError",
        message:
          `Cannot size a ResNet: blocks, widths, stem and classes must be whole numbers from 1 on, found ${found}`,
      });
    }
  }
  assert.throws(() => resNetBlocks(50), {
    name: "RangeError",
    message: "Cannot size a ResNet: the depth must be 18 or 34, found 50",
  });
});
