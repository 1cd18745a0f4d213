import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import { foldedResNet } from "../../lib/models/folded_resnet.ts";
import type { Model } from "../../lib/models/model.ts";
import { modelOf } from "../../lib/models/open_model.ts";
import { resNet } from "../../lib/models/resnet.ts";
import { RESNET_WIDTHS, resNetBlocks } from "../../lib/models/resnet_sizes.ts";
import { attentionMap } from "../../lib/ops/attention_map.ts";
import { withoutGradients } from "../../lib/tape.ts";
import type { NamedTensors } from "../../lib/weights/parameter_set.ts";
import { permute } from "../../lib/weights/permute.ts";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { floats, readSafetensors } from "../../lib/weights/safetensors.ts";
import { assertClose } from "../support/assert_close.ts";
import { assertLargest } from "../support/assert_largest.ts";
import { testGpu } from "../support/gpu.ts";
import { oracleBeside } from "../support/beside.ts";
import { portableWeights } from "../support/portable_weights.ts";
import { lossesOf } from "../support/losses.ts";

const ROOT = await oracleBeside();
const ignore = ROOT === null;
const SIZES = { widths: RESNET_WIDTHS, stem: 64, classes: 1000, seed: 0 } as const;

async function read(file: string): Promise<(name: string) => Float32Array> {
  const { tensors } = await readSafetensors(`${ROOT}imagenet/${file}.safetensors`);
  return (name) => {
    const found = tensors.get(name);
    assert.ok(found, name);
    return found.dtype === "I32"
      ? Float32Array.from(new Int32Array(found.data.slice().buffer))
      : floats(found, `read ${name}`);
  };
}

async function inputs(gpu: Gpu): Promise<{ x: Tensor; labels: Tensor }> {
  const of = await read("inputs");
  const x = permute(of("inputs"), [2, 3, 224, 224], [0, 2, 3, 1]);
  return {
    x: gpu.tensor(x, [2, 224, 224, 3], { label: "photographs" }),
    labels: gpu.tensor(of("labels"), [2], { label: "labels", dtype: "u32" }),
  };
}

async function assertForward(
  model: Pick<Model, "apply">,
  { x, of, prefix, logits, training = false }: {
    x: Tensor;
    of: (name: string) => Float32Array;
    prefix: string;
    logits?: string;
    training?: boolean;
  },
): Promise<void> {
  const found = withoutGradients(() => {
    const { logits, taps } = model.apply(x, { training });
    return [logits, ...taps.map((tap) => attentionMap(tap))];
  });
  const [scores = new Float32Array(), ...maps] = await x.gpu.read(found);
  assertLargest(scores, of(logits ?? `${prefix}.logits`), { rtol: 1e-4, what: `${prefix} logits` });
  assert.equal(maps.length, 4);
  for (const [at, map] of maps.entries()) {
    assertLargest(map, of(`${prefix}.at${at}`), { rtol: 1e-4, what: `${prefix} map ${at}` });
  }
}

function without(tensors: NamedTensors, part: string): NamedTensors {
  return new Map([...tensors].filter(([name]) => !name.endsWith(part)));
}

for (const version of ["2.0.5", "3.4.8"]) {
  Deno.test({
    name: `modelOf: the folded network of tiny-${version}.hkl computes what PyTorch does`,
    ignore,
    fn: async () => {
      const gpu = await testGpu();
      const { x } = await inputs(gpu);
      const from = `tiny-${version}.hkl`;
      const { tensors } = await readWeights(`${ROOT}hkl/${from}`);
      // The original's teacher leaves the biases of the shortcuts aside.
      using model = modelOf(gpu, without(tensors, "conv_dim.bias"), { from });
      const of = await read(`tiny-${version}-forward`);
      await assertForward(model, { x, of, prefix: `tiny-${version}` });
      using whole = modelOf(gpu, tensors, { from });
      const names = [...tensors.keys()];
      assert.deepEqual([...(await whole.parameters.save()).keys()].sort(), names.sort());
    },
  });
}

Deno.test({
  name:
    "full size: ResNet-18 in training and ResNet-34 folded compute what PyTorch does, shortcut biases included",
  ignore,
  fn: async () => {
    const gpu = await testGpu();
    const { x, labels } = await inputs(gpu);
    const of = await read("forward");
    using teacher = foldedResNet(gpu, { ...SIZES, blocks: resNetBlocks(34) });
    const weights = portableWeights(teacher.parameters.specs, { seed: 0 });
    teacher.parameters.load(weights, { from: "portable weights" });
    const logits = "teacher34_with_dim_bias.logits";
    const scores = withoutGradients(() => teacher.apply(x, { training: false }).logits);
    assertLargest(await scores.read(), of(logits), { rtol: 1e-4, what: logits });
    const bare = without(weights, "conv_dim.bias");
    using original = modelOf(gpu, bare, { from: "portable weights" });
    await assertForward(original, { x, of, prefix: "teacher34" });

    using student = resNet(gpu, { ...SIZES, blocks: resNetBlocks(18) });
    assert.equal(student.parameters.count({ statistics: false }), 11_687_720);
    student.parameters.load(portableWeights(student.parameters.specs, { seed: 18 }), {
      from: "portable weights",
    });
    await assertForward(student, { x, of, prefix: "student18_eval" });
    const { of: lossesNamed, total } = withoutGradients(() =>
      lossesOf(transferTerms({ beta: 1000 }), {
        student: student.apply(x, { training: true }),
        teacher: original.apply(x, { training: false }),
        labels,
      })
    );
    const json = JSON.parse(await Deno.readTextFile(`${ROOT}imagenet/forward.json`));
    const { at_losses_vs_teacher: losses, loss_beta1e3_alpha0: loss } = json.student18_train;
    const found = (await gpu.read([...lossesNamed("attention"), total])).map(([value = NaN]) =>
      value
    );
    assertClose(found, [...losses, loss], { rtol: 1e-4, what: "losses" });
    for (const norm of ["bn0", "group3.block1.bn1"]) {
      for (const part of ["running_mean", "running_var"]) {
        const name = `${norm}.${part}`;
        const values = await student.parameters.get(name).read();
        assertLargest(values, of(`student18_after_train.${name}`), { rtol: 1e-5, what: name });
      }
    }
    student.parameters.load(portableWeights(student.parameters.specs, { seed: 18 }), {
      from: "portable weights",
    });
    await assertForward(student, { x, of, prefix: "student18_train", training: true });
  },
});
