import assert from "node:assert/strict";
import { modelOf, openModel } from "../../lib/models/open_model.ts";
import { wideResNet } from "../../lib/models/wide_resnet.ts";
import { fileTensor } from "../../lib/weights/file_tensor.ts";
import { formatSafetensors, readSafetensors } from "../../lib/weights/safetensors.ts";
import { writeWeights } from "../../lib/weights/write_weights.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { writeCheckpoint } from "../support/checkpoint.ts";
import { testGpu } from "../support/gpu.ts";
import { TRAJECTORIES } from "../support/mini.ts";
import { assertSameTensors } from "../support/same_tensors.ts";
import { tempFolder } from "../support/temp_folder.ts";

Deno.test("openModel: makes the network of a file, and saves the file's bytes again", async () => {
  const gpu = await testGpu();
  for (const [file, name] of [["student_init", "WRN-16-1"], ["teacher", "WRN-16-2"]]) {
    const path = `${TRAJECTORIES}${file}.safetensors`;
    using model = await openModel(gpu, path);
    assert.deepEqual([model.name, model.classes], [name, 10]);
    const { tensors } = await readSafetensors(path);
    const saved = await model.parameters.save();
    assert.deepEqual([...saved.keys()].sort(), [...tensors.keys()].sort());
    for (const [name, { data, shape }] of saved) {
      assert.deepEqual(shape, tensors.get(name)?.shape, name);
      assertSameBytes(data, tensors.get(name)?.data ?? new Uint8Array(), `${path}: ${name}`);
    }
  }
});

Deno.test("openModel: the file may be of any format, under any name", async () => {
  const gpu = await testGpu();
  const { tensors } = await readSafetensors(`${TRAJECTORIES}student_init.safetensors`);
  await using temporary = await tempFolder();
  const folder = temporary.path;
  for (const ending of [".npz", ".hkl"]) {
    await writeWeights(`${folder}/a${ending}`, tensors);
    await Deno.rename(`${folder}/a${ending}`, `${folder}/weights`);
    using model = await openModel(gpu, `${folder}/weights`);
    const saved = await model.parameters.save();
    for (const [name, { data }] of saved) {
      assertSameBytes(data, tensors.get(name)?.data ?? new Uint8Array(), `${ending}: ${name}`);
    }
  }
});

Deno.test("openModel: of a checkpoint the network is taken, or the part that is asked for", async () => {
  const gpu = await testGpu();
  const sizes = { depth: 10, widths: [4, 4, 8], classes: 3 } as const;
  using trained = wideResNet(gpu, { ...sizes, seed: 1 });
  using averaged = wideResNet(gpu, { ...sizes, seed: 2 });
  const [state_dict, model_ema] = [
    await trained.parameters.save(),
    await averaged.parameters.save(),
  ];
  await using folder = await tempFolder();
  const path = `${folder.path}/checkpoint.pth`;
  await writeCheckpoint(path, { state_dict, model_ema });
  for (const [take, wanted] of [[undefined, state_dict], ["model_ema", model_ema]] as const) {
    const notes: string[] = [];
    using model = await openModel(gpu, path, { take, onNote: (note) => notes.push(note) });
    assertSameTensors(await model.parameters.save(), wanted);
    const [taken, left] = take === undefined
      ? ["state_dict", "model_ema"]
      : ["model_ema", "state_dict"];
    assert.deepEqual(notes, [`took ${taken}, left out ${left}`]);
  }
  const before = gpu.bufferCount;
  await assert.rejects(openModel(gpu, path, { take: "ema" }), {
    message: `Cannot read ${path}: wanted tensors in ema, found state_dict, model_ema`,
  });
  assert.equal(gpu.bufferCount, before, "buffers");
});

Deno.test("openModel: refuses a file without a network, and one with a tensor too few", async () => {
  const gpu = await testGpu();
  const before = gpu.bufferCount;
  await using temporary = await tempFolder();
  const folder = temporary.path;
  const file = `${folder}/a.safetensors`;
  const { tensors } = await readSafetensors(`${TRAJECTORIES}student_init.safetensors`);
  const cases: [without: (name: string) => boolean, message: RegExp][] = [
    [() => true, /^Cannot read .*: wanted tensors, found none$/],
    [
      (name) => name === "conv0",
      /^Cannot make a network of .*: wanted the tensors of a wide ResNet, .* or .*, found 6\d tensors/,
    ],
    [(name) => name === "bn.running_var", /^Cannot load weights: bn.running_var must be \[64\]/],
  ];
  for (const [without, message] of cases) {
    const kept = new Map([...tensors].filter(([name]) => !without(name)));
    await Deno.writeFile(file, formatSafetensors(kept));
    await assert.rejects(openModel(gpu, file), { name: "TypeError", message });
    assert.equal(gpu.bufferCount, before, "buffers");
  }
  await assert.rejects(openModel(gpu, `${folder}/none`), /Cannot read .*: no such file$/);
});

Deno.test("openModel: a wide ResNet is made of all that the file names, whatever stands before the names", async () => {
  const gpu = await testGpu();
  const { tensors } = await readSafetensors(`${TRAJECTORIES}student_init.safetensors`);
  const counter = { dtype: "I64", shape: [], data: new Uint8Array(8) } as const;
  const wrapped = new Map([
    ...Array.from(tensors, ([name, tensor]) => [`module._orig_mod.${name}`, tensor] as const),
    ["module._orig_mod.bn.num_batches_tracked", counter],
  ]);
  using model = modelOf(gpu, wrapped, { from: "a.pth" });
  assert.deepEqual([...(await model.parameters.save()).keys()].sort(), [...tensors.keys()].sort());
  const deeper = new Map([
    ...tensors,
    ["group0.block2.bn1.weight", fileTensor(new Float32Array(16), [16])],
  ]);
  assert.throws(() => modelOf(gpu, deeper, { from: "a.pth" }), {
    name: "TypeError",
    message: "Cannot load weights: wanted the network's tensors alone, found beside them only " +
      "group0.block2.bn1.weight in a.pth",
  });
});

Deno.test("openModel: the first tensor with NaN or infinity is named, in half precision and beyond float32 too", async () => {
  const gpu = await testGpu();
  const { tensors } = await readSafetensors(`${TRAJECTORIES}student_init.safetensors`);
  const shape = tensors.get("conv0")?.shape ?? [];
  const count = shape.reduce((product, size) => product * size, 1);
  const before = gpu.bufferCount;
  for (
    const [dtype, { buffer }, found] of [
      ["F32", new Float32Array(count).fill(NaN, count - 1), "NaN"],
      ["F16", new Float16Array(count).fill(-Infinity, 3, 4), "-Infinity"],
      ["F64", new Float64Array(count).fill(1e300, 3, 4), "Infinity"],
    ] as const
  ) {
    const wrong = new Map([...tensors, ["conv0", { dtype, shape, data: new Uint8Array(buffer) }]]);
    assert.throws(() => modelOf(gpu, wrong, { from: "a.pth" }), {
      name: "RangeError",
      message: `Cannot load weights: conv0 must be finite, found ${found} in a.pth`,
    });
  }
  assert.equal(gpu.bufferCount, before, "buffers");
});
