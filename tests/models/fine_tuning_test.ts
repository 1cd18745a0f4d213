import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { affineResNet } from "../../lib/models/affine_resnet.ts";
import { fixedInFineTuning } from "../../lib/models/fine_tuning.ts";
import { foldedResNet } from "../../lib/models/folded_resnet.ts";
import type { Model } from "../../lib/models/model.ts";
import { modelOf } from "../../lib/models/open_model.ts";
import { networkInNetwork } from "../../lib/models/nin.ts";
import type { NinSizes } from "../../lib/models/nin_sizes.ts";
import { resNet } from "../../lib/models/resnet.ts";
import type { ResNetSizes } from "../../lib/models/resnet_sizes.ts";
import { wideResNet } from "../../lib/models/wide_resnet.ts";
import type { Fixing } from "../../lib/weights/parameter_set.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { testGpu } from "../support/gpu.ts";

const SIZES: ResNetSizes = { blocks: [1, 2, 1, 1], widths: [4, 4, 8, 8], stem: 4, classes: 5 };
const NIN: NinSizes["widths"] = [[4, 4, 4], [4, 8, 4], [8, 4, 4]];
const MAKERS: readonly ((gpu: Gpu, options: Fixing & { seed: number }) => Model)[] = [
  (gpu, options) => resNet(gpu, { ...SIZES, ...options }),
  (gpu, options) => foldedResNet(gpu, { ...SIZES, ...options }),
  (gpu, options) => affineResNet(gpu, { ...SIZES, ...options }),
  (gpu, options) => networkInNetwork(gpu, { widths: NIN, classes: 5, ...options }),
  (gpu, options) =>
    networkInNetwork(gpu, { widths: NIN, classes: 5, batchNorm: false, ...options }),
  (gpu, options) => wideResNet(gpu, { depth: 10, widths: [4, 8, 8], classes: 5, ...options }),
];

Deno.test("fixedInFineTuning: convolutions beyond the fixed groups and the head are trained, nothing else", async () => {
  const gpu = await testGpu();
  for (const make of MAKERS) {
    for (const groups of [0, 1, 3]) {
      using model = make(gpu, { seed: 1, fixed: fixedInFineTuning({ groups }) });
      const { parameters } = model;
      const wanted = parameters.specs.filter(({ name, shape }) => {
        if (name.startsWith("fc.")) return true;
        const digit = Number(/\d/.exec(name)?.[0]);
        const group = model.name.startsWith("NIN") ? Math.floor(digit / 3) : digit;
        return shape.length === 4 && group >= groups;
      }).map(({ name }) => name);
      assert.deepEqual(parameters.trainable.map(({ label }) => label), wanted, model.name);
      assert.ok(wanted.length > 2 || groups === 3, model.name);
      assert.ok(wanted.every((name) => parameters.get(name).requiresGrad));
      const count = parameters.specs.filter(({ name }) => wanted.includes(name))
        .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      assert.equal(parameters.count({ statistics: false }), count);
    }
  }
});

Deno.test("modelOf: a new head is the seed's, all else the file's; without one the head stays", async () => {
  const gpu = await testGpu();
  for (const make of MAKERS) {
    using pretrained = make(gpu, { seed: 1 });
    const weights = await pretrained.parameters.save();
    const fixed = fixedInFineTuning({ groups: 1 });
    const heads: Uint8Array[] = [];
    for (const seed of [7, 7, 8]) {
      using model = modelOf(gpu, weights, { from: "a.hkl", fixed, head: { classes: 3, seed } });
      assert.equal(model.classes, 3);
      const saved = await model.parameters.save();
      assert.deepEqual([...saved.keys()], [...weights.keys()]);
      for (const [name, { data, shape }] of saved) {
        if (name.startsWith("fc.")) assert.equal(shape[0], 3);
        else assertSameBytes(data, weights.get(name)?.data ?? new Uint8Array(), name);
      }
      heads.push(saved.get("fc.weight")?.data ?? new Uint8Array());
    }
    assert.deepEqual(heads[0], heads[1]);
    assert.notDeepEqual(heads[0], heads[2]);
    using model = modelOf(gpu, weights, { from: "a.hkl", fixed });
    const kept = await model.parameters.save();
    assert.deepEqual(kept.get("fc.weight"), weights.get("fc.weight"));
  }
});
