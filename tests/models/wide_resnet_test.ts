import assert from "node:assert/strict";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { wideResNet, type WideResNetOptions } from "../../lib/models/wide_resnet.ts";
import { blocksOf, groupWidths, wideResNetSizes } from "../../lib/models/wide_resnet_sizes.ts";
import { formatSafetensors, readSafetensors } from "../../lib/weights/safetensors.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { testGpu } from "../support/gpu.ts";
import { TRAJECTORIES } from "../support/mini.ts";
import { Oracle } from "../support/oracle.ts";

async function network(options: Partial<WideResNetOptions> = {}) {
  const gpu = await testGpu();
  return wideResNet(gpu, { depth: 10, widths: groupWidths(1), classes: 10, seed: 0, ...options });
}

const COUNTS = [
  { depth: 16, width: 1, all: 175_994, trainable: 175_066 },
  { depth: 16, width: 2, all: 693_498, trainable: 691_674 },
  { depth: 40, width: 1, all: 566_650, trainable: 563_930 },
  { depth: 40, width: 2, all: 2_248_954, trainable: 2_243_546 },
];

for (const { depth, width, all, trainable } of COUNTS) {
  Deno.test(`wideResNet: WRN-${depth}-${width} has ${all} numbers, ${trainable} to train`, async () => {
    using model = await network({ depth, widths: groupWidths(width) });
    assert.equal(model.name, `WRN-${depth}-${width}`);
    assert.equal(model.parameters.count({ statistics: true }), all);
    assert.equal(model.parameters.count({ statistics: false }), trainable);
    const stored = model.parameters.trainable.reduce((sum, { size }) => sum + size, 0);
    assert.equal(stored, trainable);
  });
}

function rows(tensors: Iterable<readonly [string, { shape: readonly number[] }]>): string[] {
  return Array.from(tensors, ([name, { shape }]) => `${name} [${shape}]`);
}

Deno.test("wideResNet: names and shapes are the original's", async () => {
  const { tensors } = await readSafetensors(`${TRAJECTORIES}student_init.safetensors`);
  using model = await network({ depth: 16 });
  const { specs } = model.parameters;
  const found = rows(specs.map((spec) => [spec.name, spec] as const));
  assert.deepEqual(found.toSorted(), rows(tensors).toSorted());
});

Deno.test("wideResNet: the order of the names is the original's", async () => {
  const oracle = await Oracle.open("ops/ops.safetensors");
  const mark = "wrn_10_1/param.";
  const own = oracle.names.filter((name) => name.startsWith(mark));
  using model = await network();
  const names = own.map((name) => name.slice(mark.length));
  assert.deepEqual([...(await model.parameters.save()).keys()], names);
});

Deno.test("wideResNet: the first group has a shortcut where its channels differ from the stem's", async () => {
  for (const [width, wanted] of [[0.5, [[8, 16], [16, 8], [32, 16]]], [1, [[32, 16], [64, 32]]]]) {
    using model = await network({ widths: groupWidths(Number(width)) });
    const shortcuts = model.parameters.specs.filter(({ name }) => name.endsWith(".convdim"));
    assert.deepEqual(shortcuts.map(({ shape: [to, from] }) => [to, from]), wanted);
  }
});

Deno.test("wideResNet: the first weights are the original's in kind", async () => {
  using model = await network({ depth: 16, widths: groupWidths(2) });
  for (const { name, shape, trainable, initialise } of model.parameters.specs) {
    const values = initialise();
    const square = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    assert.equal(trainable, !/running_(mean|var)$/.test(name), name);
    if (shape.length > 1) {
      const wanted = Math.sqrt(2 / sizeOf(shape.slice(1)));
      const most = 4 / Math.sqrt(2 * values.length);
      assert.ok(Math.abs(square / wanted - 1) < most, `${name}: ${square} for ${wanted}`);
    } else if (/bn\d?\.weight$/.test(name)) {
      assert.ok(values.every((value) => value >= 0 && value < 1), name);
      assert.ok(Math.abs(square - Math.sqrt(1 / 3)) < 0.2, `${name}: ${square}`);
    } else {
      const wanted = name.endsWith("running_var") ? 1 : 0;
      assert.ok(values.every((value) => value === wanted), name);
    }
  }
});

Deno.test("wideResNet: the seed decides the bits, and a tensor's do not hang on the others", async () => {
  const bitsOf = async (options: Partial<WideResNetOptions>) => {
    using model = await network(options);
    return await model.parameters.save();
  };
  const first = await bitsOf({ seed: 7 });
  const again = await bitsOf({ seed: 7 });
  assertSameBytes(formatSafetensors(again), formatSafetensors(first), "seed 7");
  const other = await bitsOf({ seed: 8 });
  const deeper = await bitsOf({ seed: 7, depth: 16, classes: 3 });
  for (const [name, { data }] of first) {
    const isDrawn = /conv|fc\.weight|bn\d?\.weight/.test(name);
    assert.equal(Deno.inspect(other.get(name)?.data) !== Deno.inspect(data), isDrawn, name);
    if (!name.startsWith("fc")) assert.deepEqual(deeper.get(name)?.data, data, name);
  }
});

Deno.test("groupWidths: channels are rounded down as int() does", () => {
  assert.deepEqual(groupWidths(1.5), [24, 48, 96]);
  assert.deepEqual(groupWidths(0.5), [8, 16, 32]);
  assert.deepEqual(groupWidths(1.1), [17, 35, 70]);
  assert.deepEqual(groupWidths(0.0625), [1, 2, 4]);
  for (const width of [0.06, 0, -1, NaN]) {
    assert.throws(() => groupWidths(width), {
      name: "RangeError",
      message:
        `Cannot size a wide ResNet: the width must give every group a channel, found ${width}`,
    });
  }
});

Deno.test("blocksOf: a depth is 6n+4", () => {
  assert.deepEqual([10, 16, 40].map(blocksOf), [1, 2, 6]);
  for (const depth of [4, 15, 17, -2, 10.5, NaN]) {
    assert.throws(() => blocksOf(depth), {
      name: "RangeError",
      message:
        `Cannot size a wide ResNet: the depth must be 6n+4 (10, 16, 22, 28...), found ${depth}`,
    });
  }
});

Deno.test("wideResNetSizes: reads depth, widths of each group and classes off the shapes", async () => {
  const sizes = { depth: 22, widths: [41, 32, 8], classes: 7 } as const;
  using model = await network(sizes);
  const tensors = await model.parameters.save();
  assert.deepEqual(wideResNetSizes(tensors, { from: "a.safetensors" }), sizes);
  assert.equal(model.name, "WRN-22-(41, 32, 8)");
  for (const missing of ["group1.block0.conv0", "fc.weight"]) {
    const fewer = new Map([...tensors].filter(([name]) => name !== missing));
    assert.throws(() => wideResNetSizes(fewer, { from: "a.safetensors" }), {
      name: "TypeError",
      message: new RegExp(
        `^Cannot read the sizes of a wide ResNet: wanted a tensor ${missing}, found none in a.safetensors, which has ${fewer.size} tensors `,
      ),
    });
  }
});
