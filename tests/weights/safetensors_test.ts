import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  type FileTensor,
  floats,
  formatSafetensors,
  parseSafetensors,
  readSafetensors,
} from "../../lib/weights/safetensors.ts";

const STUDENT = `${import.meta.dirname}/../oracle/traj/student_init.safetensors`;

function f32(shape: number[], values: number[]): FileTensor {
  return { dtype: "F32", shape, data: new Uint8Array(new Float32Array(values).buffer) };
}

Deno.test("parseSafetensors: reads every tensor of a file that Python wrote", async () => {
  const { tensors, metadata } = await readSafetensors(STUDENT);
  assert.equal(tensors.size, 69);
  assert.deepEqual(metadata, {});
  const conv0 = tensors.get("conv0");
  assert.ok(conv0);
  assert.deepEqual(conv0.shape, [16, 3, 3, 3]);
  const numbers = floats(conv0, "load conv0");
  const deviation = Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
  assert.ok(Math.abs(deviation / Math.sqrt(2 / 27) - 1) < 0.1, `standard deviation ${deviation}`);
});

Deno.test("formatSafetensors: gives the bytes that Python wrote", async () => {
  const bytes = await Deno.readFile(STUDENT);
  const { tensors, metadata } = parseSafetensors(bytes);
  assert.ok(Buffer.from(formatSafetensors(tensors, metadata)).equals(bytes));
});

Deno.test("formatSafetensors: keeps names, shapes, bytes and text through a round trip", () => {
  const tensors = new Map<string, FileTensor>([
    ["10", { dtype: "I64", shape: [1], data: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]) }],
    ["2", f32([], [0.5])],
    ["__proto__", { dtype: "BOOL", shape: [3], data: new Uint8Array([1, 0, 1]) }],
    ['quote " and\nline', f32([0, 4], [])],
    ["größe", f32([1, 2], [1, 2])],
  ]);
  const metadata = { format: "pt", note: 'a "b"\nc' };
  const file = parseSafetensors(formatSafetensors(tensors, metadata));
  assert.deepEqual([...file.tensors], [...tensors]);
  assert.deepEqual(file.metadata, metadata);
});

Deno.test("formatSafetensors: the header is padded to a multiple of eight bytes with spaces", () => {
  for (const name of ["a", "ab", "abc", "abcdefgh"]) {
    const bytes = formatSafetensors(new Map([[name, f32([1], [1])]]));
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    assert.equal(length % 8, 0);
    assert.equal(bytes.length, 8 + length + 4);
    assert.match(new TextDecoder().decode(bytes.subarray(8, 8 + length)), /^\{.*\} {0,7}$/);
  }
});

Deno.test("formatSafetensors: the order of the map is the order of the file", () => {
  const forth = formatSafetensors(new Map([["a", f32([1], [1])], ["b", f32([1], [2])]]));
  const back = formatSafetensors(new Map([["b", f32([1], [2])], ["a", f32([1], [1])]]));
  assert.deepEqual([...parseSafetensors(forth).tensors.keys()], ["a", "b"]);
  assert.deepEqual([...parseSafetensors(back).tensors.keys()], ["b", "a"]);
});

Deno.test("formatSafetensors: data of another size than the shape's is refused", () => {
  assert.throws(() => formatSafetensors(new Map([["bias", f32([3], [1, 2])]])), {
    name: "TypeError",
    message: "Cannot write tensors: bias must have 12 bytes for F32 [3], found 8",
  });
});

Deno.test("formatSafetensors: the name of the metadata is refused for a tensor", () => {
  assert.throws(() => formatSafetensors(new Map([["__metadata__", f32([1], [1])]])), {
    name: "TypeError",
    message: "Cannot write tensors: a name must not be __metadata__, found it",
  });
});

Deno.test("parseSafetensors: tensors are views of the file, in an odd place too", () => {
  const bytes = formatSafetensors(new Map([["a", f32([2], [3, 4])]]));
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const tensor = parseSafetensors(shifted.subarray(3)).tensors.get("a");
  assert.ok(tensor);
  assert.equal(tensor.data.buffer, shifted.buffer);
  assert.deepEqual([...floats(tensor, "load a")], [3, 4]);
});

Deno.test("readSafetensors: errors name the file", async () => {
  await assert.rejects(readSafetensors("gone/model.safetensors"), {
    name: "NotFound",
    message: "Cannot read gone/model.safetensors: no such file",
  });
  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  try {
    await assert.rejects(readSafetensors(path), {
      message: `Cannot read ${path}: the file must have at least 8 bytes, found 0`,
    });
  } finally {
    await Deno.remove(path);
  }
});
