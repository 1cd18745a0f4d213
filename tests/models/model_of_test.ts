import assert from "node:assert/strict";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { affineResNet } from "../../lib/models/affine_resnet.ts";
import { modelOf } from "../../lib/models/open_model.ts";
import { resNet } from "../../lib/models/resnet.ts";
import type { ResNetSizes } from "../../lib/models/resnet_sizes.ts";
import { fileTensor } from "../../lib/weights/file_tensor.ts";
import type { NamedTensors } from "../../lib/weights/parameter_set.ts";
import { permute } from "../../lib/weights/permute.ts";
import { floats } from "../../lib/weights/safetensors.ts";
import { assertComputes } from "../support/assert_computes.ts";
import { testGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";
import { evaluateAffineResNet } from "../support/reference/affine_resnet.ts";
import { evaluateResNet } from "../support/reference/resnet.ts";

/** A group with more channels, one with the same and a stride, one with two blocks, one that shrinks. */
const SIZES: ResNetSizes = { blocks: [1, 1, 2, 1], widths: [8, 8, 12, 6], stem: 4, classes: 5 };
const SHAPE = [2, 40, 32, 3] as const;
const IMAGES = randomValues(sizeOf(SHAPE), { seed: 99 });

function random(shapes: ReadonlyMap<string, readonly number[]>): NamedTensors {
  let seed = 0;
  return new Map([...shapes].map(([name, shape]) => {
    const size = sizeOf(shape);
    const isPositive = /running_var|\.a$|(bn\d|downsample\.1)\.weight/.test(name);
    const [from, to] = isPositive ? [0.5, 1.5] : shape.length > 1 ? [-0.4, 0.4] : [-0.2, 0.2];
    return [name, fileTensor(randomValues(size, { seed: seed++, from, to }).slice(), shape)];
  }));
}

/** The numbers as a float64 reference takes them: HWIO. */
function referenceWeights(
  tensors: NamedTensors,
  rename: (name: string) => string = (name) => name,
): Map<string, Float64Array> {
  return new Map([...tensors].map(([name, tensor]) => {
    const values = floats(tensor, "read");
    const { shape } = tensor;
    const [o = 1, i = 1, h = 1, w = 1] = shape;
    const turned = shape.length < 2 ? values : permute(values, [o, i, h, w], [2, 3, 1, 0]);
    return [rename(name), Float64Array.from(turned)];
  }));
}

/** Names and shapes of torchvision's state dict, `num_batches_tracked` included. */
function torchvisionShapes(): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const norm = (name: string, channels: number) => {
    for (const part of ["weight", "bias", "running_mean", "running_var"]) {
      shapes.set(`${name}.${part}`, [channels]);
    }
  };
  shapes.set("conv1.weight", [SIZES.stem, 3, 7, 7]);
  norm("bn1", SIZES.stem);
  let inputs = SIZES.stem;
  SIZES.widths.forEach((width, group) => {
    for (let at = 0; at < (SIZES.blocks[group] ?? 0); at++) {
      const name = `layer${group + 1}.${at}`;
      shapes.set(`${name}.conv1.weight`, [width, inputs, 3, 3]);
      norm(`${name}.bn1`, width);
      shapes.set(`${name}.conv2.weight`, [width, width, 3, 3]);
      norm(`${name}.bn2`, width);
      if (at === 0) {
        shapes.set(`${name}.downsample.0.weight`, [width, inputs, 1, 1]);
        norm(`${name}.downsample.1`, width);
      }
      inputs = width;
    }
  });
  return shapes.set("fc.weight", [SIZES.classes, inputs]).set("fc.bias", [SIZES.classes]);
}

function bareName(name: string): string {
  return name.replace(/^(conv|bn)1/, "$10")
    .replace(/^layer(\d)\.(\d)/, (_, group, block) => `group${group - 1}.block${block}`)
    .replace(/\.(conv|bn)([12])/, (_, kind, at) => `.${kind}${at - 1}`)
    .replace("downsample.0", "convdim").replace("downsample.1", "bndim")
    .replace(/(conv\w+)\.weight$/, "$1");
}

Deno.test("modelOf: torchvision's state dict, normalised shortcuts included, computes as float64 loops do", async () => {
  const tensors = random(torchvisionShapes());
  const counted = fileTensor(new Float32Array(1), []);
  const dict = new Map([...tensors, ["bn1.num_batches_tracked", counted] as const]);
  using model = modelOf(await testGpu(), dict, { from: "resnet.pth" });
  assert.equal(model.name, "ResNet-12 (8, 8, 12, 6)");
  const weights = referenceWeights(tensors, bareName);
  const wanted = evaluateResNet(Float64Array.from(IMAGES), { weights, sizes: SIZES, x: SHAPE });
  await assertComputes(model, { images: IMAGES, shape: SHAPE, wanted });
});

Deno.test("modelOf: the pre-activation export computes as float64 loops do", async () => {
  const gpu = await testGpu();
  using made = affineResNet(gpu, { ...SIZES, seed: 0 });
  const tensors = random(new Map(made.parameters.specs.map(({ name, shape }) => [name, shape])));
  using model = modelOf(gpu, tensors, { from: "at.hkl" });
  assert.equal(model.name, "pre-activation ResNet-12 (8, 8, 12, 6)");
  const weights = referenceWeights(tensors);
  const options = { weights, sizes: SIZES, x: SHAPE };
  const wanted = evaluateAffineResNet(Float64Array.from(IMAGES), options);
  await assertComputes(model, { images: IMAGES, shape: SHAPE, wanted });
});

Deno.test("affineResNet: ResNet-18 has the export's numbers and names", async () => {
  const sizes = {
    blocks: [2, 2, 2, 2],
    widths: [64, 128, 256, 512],
    stem: 64,
    classes: 1000,
  } as const;
  using model = affineResNet(await testGpu(), { ...sizes, seed: 0 });
  const names = new Set(model.parameters.specs.map(({ name }) => name));
  assert.equal(names.size, 56);
  assert.equal(model.parameters.count({ statistics: true }), 11_687_720);
  assert.ok(!names.has("group0.block0.affine0.a") && names.has("group0.block1.affine0.a"));
  const wide = model.parameters.specs.find(({ name }) => name === "group1.block0.affine0.a");
  assert.deepEqual(wide?.shape, [64]);
});

Deno.test("modelOf: an ImageNet student comes back bit for bit, at whatever blocks and widths", async () => {
  const gpu = await testGpu();
  using student = resNet(gpu, { ...SIZES, seed: 3 });
  const saved = await student.parameters.save();
  using model = modelOf(gpu, saved, { from: "model.safetensors" });
  assert.deepEqual(await model.parameters.save(), saved);
});

Deno.test("modelOf: what does not fit is named, with what else is in the file", async () => {
  const gpu = await testGpu();
  const whole = random(torchvisionShapes());
  using student = resNet(gpu, { ...SIZES, seed: 3 });
  const bare = await student.parameters.save();
  const odd = fileTensor(new Float32Array(4), [4]);
  const cases: [NamedTensors, RegExp][] = [
    [
      new Map([...bare, ["group1.block0.conv1", odd]]),
      /^Cannot load weights: group1\.block0\.conv1 must be \[8, 8, 3, 3\], found \[4\] in f, which has \d+ tensors \(conv0, /,
    ],
    [
      new Map([...bare, ["group0.block0.conv2", odd]]),
      /^Cannot load weights: wanted the network's tensors alone, found beside them only group0\.block0\.conv2 in f$/,
    ],
    [
      new Map([...whole].filter(([name]) => !name.startsWith("layer4"))),
      /^Cannot read the sizes of a ResNet: wanted a tensor group3\.block0\.conv0\.weight, found none in f/,
    ],
    [new Map([["a", odd]]), /^Cannot make a network of f: .*, found only a$/],
  ];
  const held = gpu.bufferCount;
  for (const [tensors, message] of cases) {
    assert.throws(() => modelOf(gpu, tensors, { from: "f" }), { name: "TypeError", message });
    assert.equal(gpu.bufferCount, held);
  }
});
