import assert from "node:assert/strict";
import { byteLength, floats, isDType } from "../../lib/weights/file_tensor.ts";

function bytesOf(values: ArrayBufferView<ArrayBuffer>): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

Deno.test("floats: F32 keeps every bit, from an odd address too", () => {
  const values = new Float32Array([1.5, -0, 1e-42, Infinity]);
  const shifted = new Uint8Array(17);
  shifted.set(bytesOf(values), 1);
  const tensor = { dtype: "F32", shape: [4], data: shifted.subarray(1) } as const;
  assert.deepEqual(floats(tensor, "load"), values);
});

Deno.test("floats: the result is a copy", () => {
  const data = bytesOf(new Float32Array([7]));
  const copy = floats({ dtype: "F32", shape: [1], data }, "load");
  data.fill(0);
  assert.deepEqual([...copy], [7]);
});

Deno.test("floats: F16 has subnormals and infinities", () => {
  const data = bytesOf(new Uint16Array([0x3555, 0x0001, 0xfc00, 0x7bff]));
  const expected = [0.333251953125, 2 ** -24, -Infinity, 65504];
  assert.deepEqual([...floats({ dtype: "F16", shape: [2, 2], data }, "load")], expected);
});

Deno.test("floats: BF16 is the upper half of a float32", () => {
  const data = bytesOf(new Uint16Array([0x3f80, 0xc049, 0x7f80]));
  assert.deepEqual([...floats({ dtype: "BF16", shape: [3], data }, "load")], [
    1,
    -3.140625,
    Infinity,
  ]);
});

Deno.test("floats: F64 is rounded to float32", () => {
  const data = bytesOf(new Float64Array([0.1, 2]));
  assert.deepEqual([...floats({ dtype: "F64", shape: [2], data }, "load")], [Math.fround(0.1), 2]);
});

Deno.test("floats: a format of whole numbers is refused by name", () => {
  const tensor = { dtype: "I64", shape: [1], data: new Uint8Array(8) } as const;
  assert.throws(() => floats(tensor, "load fc.bias"), {
    name: "TypeError",
    message: "Cannot load fc.bias: dtype must be F16, BF16, F32 or F64, found I64",
  });
});

Deno.test("byteLength: a scalar has one number, an empty dimension none", () => {
  assert.equal(byteLength("F64", []), 8);
  assert.equal(byteLength("I32", [3, 0, 5]), 0);
  assert.equal(byteLength("BOOL", [3, 5]), 15);
});

Deno.test("isDType: only the names of formats, not of object members", () => {
  assert.deepEqual(["F32", "f32", "toString", 3, null].map(isDType), [
    true,
    false,
    false,
    false,
    false,
  ]);
});
