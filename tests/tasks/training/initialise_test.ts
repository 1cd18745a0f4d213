import assert from "node:assert/strict";
import type { Model } from "../../../lib/models/model.ts";
import { resNet } from "../../../lib/models/resnet.ts";
import { wideResNet } from "../../../lib/models/wide_resnet.ts";
import { fileTensor } from "../../../lib/weights/file_tensor.ts";
import type { NamedTensors } from "../../../lib/weights/parameter_set.ts";
import { writeWeights } from "../../../lib/weights/write_weights.ts";
import { initialise } from "../../../tasks/training/training_run.ts";
import { writeCheckpoint } from "../../support/checkpoint.ts";
import { testGpu } from "../../support/gpu.ts";
import { assertSameTensors } from "../../support/same_tensors.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const WIDE = { widths: [4, 4, 8], classes: 3 } as const;
const IMAGENET = { blocks: [1, 1, 1, 1], widths: [4, 4, 8, 8], stem: 4, classes: 3 } as const;

/** Starts a model from a file of these tensors. */
async function start(model: Model, tensors: NamedTensors): Promise<void> {
  await using folder = await tempFolder();
  const init = `${folder.path}/init.safetensors`;
  await writeWeights(init, tensors);
  await initialise(model, { init, take: "" });
}

Deno.test("initialise: a deeper network is refused with its names, and nothing is overwritten", async () => {
  const gpu = await testGpu();
  using model = wideResNet(gpu, { ...WIDE, depth: 10, seed: 0 });
  using deeper = wideResNet(gpu, { ...WIDE, depth: 16, seed: 1 });
  const before = await model.parameters.save();
  await assert.rejects(start(model, await deeper.parameters.save()), {
    name: "TypeError",
    message:
      /found beside them 30 tensors \(group0\.block1\.conv0, group0\.block1\.conv1, .*, \.\.\.\) in /,
  });
  assert.deepEqual(await model.parameters.save(), before);
});

Deno.test("initialise: wrapped names and counters are read as a teacher's are, NaN is refused", async () => {
  const gpu = await testGpu();
  using model = wideResNet(gpu, { ...WIDE, depth: 10, seed: 0 });
  using other = wideResNet(gpu, { ...WIDE, depth: 10, seed: 1 });
  const tensors = await other.parameters.save();
  const counter = { dtype: "I64", shape: [], data: new Uint8Array(8) } as const;
  const wrapped = Array.from(tensors, ([name, tensor]) => [`model.${name}`, tensor] as const);
  await start(model, new Map([...wrapped, ["epoch", counter]]));
  await start(model, new Map([...tensors, ["bn.num_batches_tracked", counter]]));
  assert.deepEqual(await model.parameters.save(), tensors);
  const bias = fileTensor(new Float32Array([0, NaN, 0]), [3]);
  await assert.rejects(start(model, new Map([...tensors, ["fc.bias", bias]])), {
    name: "RangeError",
    message: /^Cannot load weights: fc\.bias must be finite, found NaN in /,
  });
});

Deno.test("initialise: takes the network of a checkpoint, or the part that --take names", async () => {
  const gpu = await testGpu();
  using model = wideResNet(gpu, { ...WIDE, depth: 10, seed: 0 });
  using trained = wideResNet(gpu, { ...WIDE, depth: 10, seed: 1 });
  const [state_dict, model_ema] = [
    await trained.parameters.save(),
    await model.parameters.save(),
  ];
  await using folder = await tempFolder();
  const init = `${folder.path}/checkpoint.pth`;
  await writeCheckpoint(init, { state_dict, model_ema });
  await initialise(model, { init, take: "" });
  assertSameTensors(await model.parameters.save(), state_dict);
  await initialise(model, { init, take: "model_ema" });
  assertSameTensors(await model.parameters.save(), model_ema);
  await assert.rejects(initialise(model, { init, take: "ema" }), {
    message: `Cannot read ${init}: wanted tensors in ema, found state_dict, model_ema`,
  });
});

Deno.test("initialise: torchvision's normalised shortcuts are refused by an ImageNet student", async () => {
  const gpu = await testGpu();
  using model = resNet(gpu, { ...IMAGENET, seed: 0 });
  const tensors = await model.parameters.save();
  const norm = fileTensor(new Float32Array(8), [8]);
  await assert.rejects(start(model, new Map([...tensors, ["group2.block0.bndim.weight", norm]])), {
    name: "TypeError",
    message: /found beside them only group2\.block0\.bndim\.weight in /,
  });
});
