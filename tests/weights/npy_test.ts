import assert from "node:assert/strict";
import { sizeOf } from "../../lib/gpu/layout.ts";
import type { FileTensor } from "../../lib/weights/file_tensor.ts";
import { formatNpy, parseNpy } from "../../lib/weights/npy.ts";

function npy(header: string, data: number[] = []): Uint8Array {
  const text = new TextEncoder().encode(header);
  return new Uint8Array([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    1,
    0,
    text.length,
    0,
    ...text,
    ...data,
  ]);
}

Deno.test("parseNpy: gives what formatNpy was given, for every shape", () => {
  const shapes = [[], [0], [3], [2, 3], [2, 0, 3], [1, 2, 3, 4]];
  for (const shape of shapes) {
    const count = sizeOf(shape);
    const data = new Uint8Array(Float32Array.from({ length: count }, (_, at) => at).buffer);
    const tensor: FileTensor = { dtype: "F32", shape, data };
    const bytes = formatNpy(tensor);
    assert.equal((bytes.length - data.length) % 64, 0);
    assert.deepEqual(parseNpy(bytes), tensor);
  }
});

Deno.test("parseNpy: Fortran's order and big endian are turned round", () => {
  const header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n";
  const { dtype, shape, data } = parseNpy(npy(header, [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6]));
  assert.deepEqual([dtype, shape], ["I16", [2, 3]]);
  assert.deepEqual([...new Int16Array(data.slice().buffer)], [1, 3, 5, 2, 4, 6]);
});

const REFUSED = {
  "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}":
    /must be a type of numbers .* found '\|O'/,
  "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}":
    /must have 8 bytes for F32 \[2\], found 0/,
  "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}": /must name shape/,
  "{'descr': '<f4', 'fortran_order': False, 'shape': (os.system('x'),)}": /must name shape/,
  "{'descr': '<f4', 'shape': (2,)}": /must name fortran_order/,
  "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}":
    /dtype must be a type of numbers such as '<f4', found '\[\('a', '<f4'\)'/,
};

for (const [header, message] of Object.entries(REFUSED)) {
  Deno.test(`parseNpy: refuses ${header}`, () => {
    assert.throws(() => parseNpy(npy(header)), message);
  });
}

Deno.test("parseNpy: refuses other bytes, versions and headers past the end", () => {
  assert.throws(() => parseNpy(new Uint8Array(20)), /must begin with/);
  const bytes = formatNpy({ dtype: "U8", shape: [], data: new Uint8Array(1) });
  assert.throws(() => parseNpy(bytes.subarray(0, 9)), /must be whole/);
  assert.throws(() => parseNpy(bytes.subarray(0, 20)), /must lie in the file/);
  assert.throws(() => parseNpy(bytes.with(6, 7)), /must be 1 to 3, found 7\.0/);
});

Deno.test("formatNpy: refuses what NumPy does not have", () => {
  assert.throws(() => formatNpy({ dtype: "BF16", shape: [1], data: new Uint8Array(2) }), {
    message: "dtype must be one that NumPy has, found BF16; safetensors holds it",
  });
});
