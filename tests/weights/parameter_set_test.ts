import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { fileTensor } from "../../lib/weights/file_tensor.ts";
import { ParameterSet } from "../../lib/weights/parameter_set.ts";
import { type FileTensor, formatSafetensors } from "../../lib/weights/safetensors.ts";
import { assertSameBytes } from "../support/assert_same_bytes.ts";
import { testGpu } from "../support/gpu.ts";

const SHAPES = {
  "conv.weight": [5, 3, 2, 3],
  "bn.weight": [5],
  "bn.running_mean": [5],
  "fc.weight": [2, 5],
} as const;

function ramp(shape: readonly number[], by = 1): Float32Array<ArrayBuffer> {
  const size = sizeOf(shape);
  return Float32Array.from({ length: size }, (_, at) => by * (at + 1));
}

function smallSet(gpu: Gpu): ParameterSet {
  return new ParameterSet(
    gpu,
    Object.entries(SHAPES).map(([name, shape]) => ({
      name,
      shape,
      trainable: !name.includes("running"),
      initialise: () => ramp(shape),
    })),
  );
}

function fileOf(change: Readonly<Record<string, FileTensor | null>> = {}) {
  const tensors = new Map<string, FileTensor>();
  for (const [name, shape] of Object.entries(SHAPES)) {
    tensors.set(name, fileTensor(ramp(shape, -0.5), shape));
  }
  for (const [name, tensor] of Object.entries(change)) {
    if (tensor === null) tensors.delete(name);
    else tensors.set(name, tensor);
  }
  return tensors;
}

Deno.test("ParameterSet: weights lie as HWIO, outputs last", async () => {
  const gpu = await testGpu();
  using set = smallSet(gpu);
  assert.deepEqual(set.get("conv.weight").shape, [2, 3, 3, 5]);
  assert.deepEqual(set.get("fc.weight").shape, [1, 1, 5, 2]);
  const [conv, fc] = await gpu.read([set.get("conv.weight"), set.get("fc.weight")]);
  const [o, i, h, w] = [4, 1, 0, 2];
  assert.equal(conv?.[((h * 3 + w) * 3 + i) * 5 + o], ((o * 3 + i) * 2 + h) * 3 + w + 1);
  assert.deepEqual([...fc ?? []], [1, 6, 2, 7, 3, 8, 4, 9, 5, 10]);
});

Deno.test("ParameterSet: what is trained shares one buffer, and statistics are not of it", async () => {
  using set = smallSet(await testGpu());
  const names = set.trainable.map(({ label }) => label);
  assert.deepEqual(names, ["conv.weight", "bn.weight", "fc.weight"]);
  for (const tensor of set.trainable) {
    assert.equal(tensor.storage.root, set.flat.storage);
    assert.equal(tensor.requiresGrad, true);
  }
  const statistics = set.get("bn.running_mean");
  assert.notEqual(statistics.storage.root, set.flat.storage);
  assert.equal(statistics.requiresGrad, false);
});

Deno.test("ParameterSet: counts, has and get", async () => {
  using set = smallSet(await testGpu());
  assert.equal(set.count({ statistics: true }), 90 + 5 + 5 + 10);
  assert.equal(set.count({ statistics: false }), 90 + 5 + 10);
  assert.deepEqual([set.has("bn.weight"), set.has("bn")], [true, false]);
  assert.throws(() => set.get("bn"), {
    name: "RangeError",
    message: "Cannot find parameter bn: the network has no such tensor",
  });
});

Deno.test("ParameterSet: what was loaded is saved again, bit for bit and in order", async () => {
  using set = smallSet(await testGpu());
  const tensors = fileOf();
  set.load(tensors, { from: "a" });
  assertSameBytes(formatSafetensors(await set.save()), formatSafetensors(tensors), "saved");
});

Deno.test("ParameterSet: half precision and float64 are taken too", async () => {
  using set = smallSet(await testGpu());
  const half = new Uint8Array(new Float16Array([1, 2, 3, 4, -0.5]).buffer);
  const double = new Uint8Array(new Float64Array([1, 2, 3, 4, 1e-3]).buffer);
  set.load(
    fileOf({
      "bn.weight": { dtype: "F16", shape: [5], data: half },
      "bn.running_mean": { dtype: "F64", shape: [5], data: double },
    }),
    { from: "a" },
  );
  assert.deepEqual([...await set.get("bn.weight").read()], [1, 2, 3, 4, -0.5]);
  assert.equal((await set.get("bn.running_mean").read())[4], Math.fround(1e-3));
});

const integers: FileTensor = { dtype: "U8", shape: [5], data: new Uint8Array(5) };
const REFUSED = {
  "a tensor that is not its own": {
    change: { "bn2.weight": fileTensor(ramp([2]), [2]) },
    message:
      "Cannot load weights: wanted the network's tensors alone, found beside them only bn2.weight in a",
  },
  "a missing tensor": {
    change: { "fc.weight": null },
    message: "Cannot load weights: fc.weight must be [2, 5], found no such tensor in a, " +
      "which has only conv.weight, bn.weight, bn.running_mean",
  },
  "names that are all wrong": {
    change: Object.fromEntries([
      ...Object.keys(SHAPES).map((name) => [name, null]),
      ...Object.keys(SHAPES).map((name) => [`student.${name}`, fileTensor(ramp([5]), [5])]),
      ["student.fc.bias", fileTensor(ramp([2]), [2])],
    ]),
    message: "Cannot load weights: conv.weight must be [5, 3, 2, 3], found no such tensor in a, " +
      "which has 5 tensors (student.conv.weight, student.bn.weight, student.bn.running_mean, " +
      "student.fc.weight, ...)",
  },
  "a file without tensors": {
    change: Object.fromEntries(Object.keys(SHAPES).map((name) => [name, null])),
    message: "Cannot load weights: conv.weight must be [5, 3, 2, 3], found no such tensor in a, " +
      "which has no tensors",
  },
  "a misshapen tensor": {
    change: { "fc.weight": fileTensor(ramp([5, 2]), [5, 2]) },
    message: "Cannot load weights: fc.weight must be [2, 5], found [5, 2] in a, " +
      "which has only conv.weight, bn.weight, bn.running_mean, fc.weight",
  },
  "a tensor of whole numbers": {
    change: { "bn.running_mean": integers },
    message: "Cannot load bn.running_mean from a: dtype must be F16, BF16, F32 or F64, found U8",
  },
} as const;

for (const [what, { change, message }] of Object.entries(REFUSED)) {
  Deno.test(`ParameterSet: refuses ${what}, and overwrites nothing`, async () => {
    using set = smallSet(await testGpu());
    const before = formatSafetensors(await set.save());
    assert.throws(() => set.load(fileOf(change), { from: "a" }), { name: "TypeError", message });
    assertSameBytes(formatSafetensors(await set.save()), before, "kept");
  });
}

Deno.test("ParameterSet: frees its buffers", async () => {
  const gpu = await testGpu();
  const before = gpu.bufferCount;
  const set = smallSet(gpu);
  assert.equal(gpu.bufferCount, before + 3);
  set[Symbol.dispose]();
  assert.equal(gpu.bufferCount, before);
});
