import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { gradients } from "../../lib/gradients.ts";
import { freeze, type Model } from "../../lib/models/model.ts";
import { networkInNetwork } from "../../lib/models/nin.ts";
import { NIN_WIDTHS, ninSizes, type NinWidths } from "../../lib/models/nin_sizes.ts";
import { modelOf } from "../../lib/models/open_model.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { mean, sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { fileTensor } from "../../lib/weights/file_tensor.ts";
import { formatSafetensors, parseSafetensors } from "../../lib/weights/safetensors.ts";
import { assertClose } from "../support/assert_close.ts";
import { assertLargest, largest } from "../support/assert_largest.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { along, partials, samplePlaces } from "../support/finite_differences.ts";
import { testGpu } from "../support/gpu.ts";
import { randomValues } from "../support/random.ts";
import { evaluateNin } from "../support/reference/nin.ts";
import { logSoftmax } from "../support/reference/softmax.ts";

const TINY: NinWidths = [[4, 3, 5], [3, 4, 4], [5, 3, 4]];
const CLASSES = 3;
const SHAPE = [2, 9, 8, 3] as const;
const LABELS = [2, 0] as const;
const KINDS = [true, false].flatMap((batchNorm) =>
  [true, false].map((reluBeforePool) => ({ batchNorm, reluBeforePool }))
);

type Kind = typeof KINDS[number];

function describe({ batchNorm, reluBeforePool }: Kind): string {
  return `${batchNorm ? "with" : "without"} BatchNorm, ${
    reluBeforePool ? "with" : "without"
  } ReLU before pooling`;
}

/** A tiny network, every tensor random, biases and shifts above zero more than below, so that no tensor is dead. */
function scrambled(gpu: Gpu, kind: Kind): Model {
  const model = networkInNetwork(gpu, { widths: TINY, classes: CLASSES, seed: 0, ...kind });
  model.parameters.specs.forEach(({ name, shape }, seed) => {
    const { size } = model.parameters.get(name);
    const most = Math.sqrt(6 / sizeOf(shape.slice(1)));
    const isScale = /running_var|bn\d\.weight/.test(name);
    const [from, to] = shape.length > 1 ? [-most, most] : isScale ? [0.5, 1.5] : [-0.2, 0.6];
    model.parameters.get(name).write(randomValues(size, { seed: seed + 1, from, to }));
  });
  return model;
}

async function weightsOf({ parameters }: Model): Promise<Map<string, Float64Array>> {
  const names = parameters.specs.map(({ name }) => name);
  const values = await parameters.gpu.read(names.map((name) => parameters.get(name)));
  return new Map(names.map((name, at) => [name, Float64Array.from(values[at] ?? [])]));
}

function pixels(): Float32Array {
  return randomValues(sizeOf(SHAPE), { seed: 99, from: -1, to: 1 });
}

for (
  const { size, batchNorm, trainable, all } of [
    { size: "wide", batchNorm: true, trainable: 1_005_642, all: 1_008_842 },
    { size: "wide", batchNorm: false, trainable: 1_004_042, all: 1_004_042 },
    { size: "thin", batchNorm: true, trainable: 206_834, all: 208_290 },
    { size: "thin", batchNorm: false, trainable: 206_106, all: 206_106 },
  ] as const
) {
  const norm = batchNorm ? "with" : "without";
  Deno.test(`networkInNetwork: the ${size} one ${norm} BatchNorm has ${trainable} parameters`, async () => {
    const options = { widths: NIN_WIDTHS[size], classes: 10, seed: 0, batchNorm };
    using model = networkInNetwork(await testGpu(), options);
    assert.equal(model.name, `NIN-${size}${batchNorm ? "" : ", no BatchNorm"}`);
    assert.equal(model.parameters.count({ statistics: false }), trainable);
    assert.equal(model.parameters.count({ statistics: true }), all);
  });
}

Deno.test("networkInNetwork: taps are 32, 16 and 8 pixels wide", async () => {
  const gpu = await testGpu();
  using model = scrambled(gpu, { batchNorm: false, reluBeforePool: true });
  const { logits, taps } = model.apply(gpu.zeros([1, 32, 32, 3]), { training: false });
  assert.deepEqual(taps.map(({ shape }) => shape), [
    [1, 32, 32, 5],
    [1, 16, 16, 4],
    [1, 8, 8, 4],
  ]);
  assert.deepEqual(logits.shape, [1, CLASSES]);
});

Deno.test("networkInNetwork: the first weights are normal by fan-in, biases zero, scales uniform", async () => {
  const options = { widths: NIN_WIDTHS.thin, classes: 10, seed: 1 };
  for (const batchNorm of [true, false]) {
    using model = networkInNetwork(await testGpu(), { ...options, batchNorm });
    for (const { name, shape, initialise } of model.parameters.specs) {
      const values = initialise();
      const square = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
      if (shape.length > 1) {
        const wanted = Math.sqrt(2 / sizeOf(shape.slice(1)));
        const most = 4 / Math.sqrt(2 * values.length);
        assert.ok(Math.abs(square / wanted - 1) < most, `${name}: ${square} for ${wanted}`);
      } else if (/bn\d\.weight/.test(name)) {
        assert.ok(values.every((value) => value >= 0 && value < 1), name);
      } else {
        const wanted = name.endsWith("running_var") ? 1 : 0;
        assert.ok(values.every((value) => value === wanted), name);
      }
    }
  }
});

for (
  const { mode, ...kind } of [
    { batchNorm: true, reluBeforePool: true, mode: "training" },
    { batchNorm: true, reluBeforePool: false, mode: "evaluation" },
    { batchNorm: false, reluBeforePool: true, mode: "evaluation" },
    { batchNorm: false, reluBeforePool: false, mode: "training" },
  ]
) {
  Deno.test(`networkInNetwork ${describe(kind)}, in ${mode}: values, gradients and second gradients are the float64 loops'`, async () => {
    const gpu = await testGpu();
    const training = mode === "training";
    using model = scrambled(gpu, kind);
    const weights = await weightsOf(model);
    const images = pixels();
    const x = watch(gpu.tensor(images, SHAPE, { label: "x" }));
    const labels = gpu.tensor(LABELS, [2], { dtype: "u32" });
    const way = gpu.tensor(randomValues(x.size, { seed: 5, from: -1, to: 1 }), SHAPE);
    const { logits, taps } = model.apply(x, { training });
    const inputs = [...model.parameters.trainable, x];
    const loss = mean(crossEntropy(logits, labels));
    const first = gradients(loss, inputs);
    const [dx] = gradients(loss, [x], { differentiable: true });
    const slope = sum(multiply(dx ?? x, way), { keep: "none" });
    const second = gradients(slope, inputs);
    const found = await gpu.read([...taps, logits, ...first, ...second]);

    const array = Float64Array.from(images);
    const decisions: Float64Array[] = [];
    const evaluate = () =>
      evaluateNin(array, {
        weights,
        widths: TINY,
        x: SHAPE,
        training,
        decisions,
      });
    evaluate().forEach(({ values }, at) =>
      assertLargest(found[at] ?? [], values, { rtol: 1e-5, what: `output ${at}` })
    );
    const lossOf = () => {
      const rows = logSoftmax(evaluate().at(-1)?.values ?? array, { classes: CLASSES });
      const picked = LABELS.map((label, row) => rows[row * CLASSES + label] ?? NaN);
      return -picked.reduce((total, value) => total + value, 0) / LABELS.length;
    };
    const by = Float64Array.from(await way.read());
    const slopeOf = along(lossOf, [{ array, by }]);
    const orders = [
      { order: "first", f: lossOf, grads: found.slice(4), atol: 1e-4, most: 8 },
      { order: "second", f: slopeOf, grads: found.slice(4 + inputs.length), atol: 1e-3, most: 4 },
    ];
    for (const { order, f, grads, atol, most } of orders) {
      inputs.forEach(({ label }, at) => {
        const of = weights.get(label) ?? array;
        const places = samplePlaces(of.length, { most });
        const grad = grads[at] ?? [];
        assert.ok(largest(grad) > 1e-5, `the ${order} gradient of ${label} vanishes`);
        assertClose(places.map((p) => grad[p] ?? NaN), partials(f, { array: of, places }), {
          atol: atol * largest(grad),
          what: `${order} gradient of ${label}`,
        });
      });
    }
  });
}

for (const kind of KINDS) {
  const what = describe(kind);

  Deno.test(`networkInNetwork ${what}: a file's bytes give the network again`, async () => {
    const gpu = await testGpu();
    using model = scrambled(gpu, kind);
    const bytes = formatSafetensors(await model.parameters.save());
    const { tensors } = parseSafetensors(bytes);
    using opened = modelOf(gpu, tensors, { from: "a.safetensors" });
    assert.equal(opened.name, model.name);
    assert.deepEqual(ninSizes(tensors, { from: "a.safetensors" }), {
      widths: TINY,
      classes: CLASSES,
      ...kind,
    });
    assertSameBytes(formatSafetensors(await opened.parameters.save()), bytes, what);
    const x = gpu.tensor(pixels(), SHAPE);
    const [found, wanted] = [opened, model].map((each) => each.apply(x, { training: false }));
    assert.deepEqual(await found?.logits.read(), await wanted?.logits.read());
  });
}

Deno.test("networkInNetwork: frozen it evaluates to the same, taps included", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor(pixels(), SHAPE);
  for (const kind of KINDS) {
    using model = scrambled(gpu, kind);
    assert.equal(model.freeze !== undefined, kind.batchNorm);
    using frozen = freeze(model);
    const [found, wanted] = [frozen.apply(x), model.apply(x, { training: false })];
    const values = await gpu.read([...found.taps, found.logits, ...wanted.taps, wanted.logits]);
    for (let at = 0; at < 4; at++) {
      assertLargest(values[at] ?? [], values[at + 4] ?? [], { rtol: 1e-5, what: describe(kind) });
    }
  }
});

Deno.test("networkInNetwork: what freezing it made is freed, the parameters stay", async () => {
  const gpu = await testGpu();
  using model = scrambled(gpu, { batchNorm: true, reluBeforePool: true });
  const before = gpu.bufferCount;
  {
    using _frozen = freeze(model);
    assert.ok(gpu.bufferCount > before);
  }
  assert.equal(gpu.bufferCount, before);
  await model.parameters.flat.read();
});

Deno.test("networkInNetwork: a file that lacks or has too much, and sizes that are none, are refused", async () => {
  const gpu = await testGpu();
  using model = scrambled(gpu, { batchNorm: true, reluBeforePool: false });
  const tensors = await model.parameters.save();
  const refuses = (changed: typeof tensors, message: string | RegExp) =>
    assert.throws(() => modelOf(gpu, changed, { from: "a.npz" }), { name: "TypeError", message });
  const without = (missing: string) => new Map([...tensors].filter(([name]) => name !== missing));
  refuses(
    without("proj5"),
    /^Cannot read the sizes of a Network-in-Network: wanted a tensor proj5, found none in a\.npz, which has \d+ tensors \(/,
  );
  const extra = new Map([...tensors, ["conv9", fileTensor(new Float32Array(1), [1])] as const]);
  refuses(
    extra,
    "Cannot load weights: wanted the network's tensors alone, found beside them only conv9 in a.npz",
  );
  assert.throws(() => networkInNetwork(gpu, { widths: TINY, classes: 0, seed: 0 }), {
    name: "RangeError",
    message:
      "Cannot size a Network-in-Network: widths and classes must be whole numbers from 1 on, found 0",
  });
});
