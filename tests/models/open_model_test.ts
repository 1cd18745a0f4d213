import assert from "node:assert/strict";
import { openModel } from "../../lib/models/open_model.ts";
import { formatSafetensors, readSafetensors } from "../../lib/weights/safetensors.ts";
import { writeWeights } from "../../lib/weights/write_weights.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { testGpu } from "../support/gpu.ts";
import { TRAJECTORIES } from "../support/mini.ts";
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

Deno.test("openModel: refuses a file without a network, and one with a tensor too few", async () => {
  const gpu = await testGpu();
  const before = gpu.bufferCount;
  await using temporary = await tempFolder();
  const folder = temporary.path;
  const file = `${folder}/a.safetensors`;
  const { tensors } = await readSafetensors(`${TRAJECTORIES}student_init.safetensors`);
  const cases: [without: (name: string) => boolean, message: RegExp][] = [
    [
      () => true,
      /^Cannot make a network of .*: wanted the tensors of a wide ResNet, .* or .*, found no/,
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
