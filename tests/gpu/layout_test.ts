import assert from "node:assert/strict";
import {
  pack,
  padded,
  quadsOf,
  sizeOf,
  storedBytes,
  storedPlace,
  storedSize,
  unpack,
} from "../../lib/gpu/layout.ts";

Deno.test("layout: sizes round up to vec4s", () => {
  assert.deepEqual([1, 3, 4, 5, 41].map(padded), [4, 4, 4, 8, 44]);
  assert.deepEqual([1, 3, 4, 5, 41].map(quadsOf), [1, 1, 1, 2, 11]);
  assert.equal(sizeOf([]), 1);
  assert.equal(sizeOf([2, 3, 5]), 30);
});

Deno.test("layout: channels pad the last dimension", () => {
  const at = { shape: [2, 1, 3], layout: "channels", dtype: "f32" } as const;
  assert.equal(storedSize(at.shape, at.layout), 8);
  const packed = pack(new Float32Array([1, 2, 3, 4, 5, 6]), at);
  assert.deepEqual([...packed], [1, 2, 3, 0, 4, 5, 6, 0]);
});

Deno.test("layout: weights pad both channel dimensions", () => {
  const at = { shape: [2, 1, 1, 2], layout: "weights", dtype: "f32" } as const;
  assert.equal(storedSize(at.shape, at.layout), 32);
  const packed = pack(new Float32Array([1, 2, 3, 4]), at);
  const zeros = Array.from({ length: 12 }, () => 0);
  assert.deepEqual([...packed], [1, 2, 0, 0, ...zeros, 3, 4, 0, 0, ...zeros]);
});

Deno.test("layout: a scalar takes one vec4", () => {
  const at = { shape: [], layout: "channels", dtype: "f32" } as const;
  assert.deepEqual([...pack(new Float32Array([7]), at)], [7, 0, 0, 0]);
  assert.deepEqual([...unpack(new Float32Array([7, 9, 9, 9]), at)], [7]);
});

Deno.test("layout: unsigned integers stay whole", () => {
  const packed = pack(new Uint32Array([2 ** 32 - 1, 1]), {
    shape: [2],
    layout: "channels",
    dtype: "u32",
  });
  assert.ok(packed instanceof Uint32Array);
  assert.deepEqual([...packed], [2 ** 32 - 1, 1, 0, 0]);
});

Deno.test("layout: half precision rounds and takes half of the bytes", () => {
  const at = { shape: [2, 3], layout: "channels", dtype: "f16" } as const;
  const packed = pack(new Float32Array([1, 2049, 1 / 3, -2, 65520, 1e-9]), at);
  assert.ok(packed instanceof Float16Array);
  assert.equal(packed.byteLength, storedBytes(at));
  assert.deepEqual([...packed], [1, 2048, 0.333251953125, 0, -2, Infinity, 0, 0]);
  assert.deepEqual([...unpack(packed, at)], [1, 2048, 0.333251953125, -2, Infinity, 0]);
});

Deno.test("layout: unpack undoes pack", () => {
  const shapes = [[3, 5, 7, 5], [1], [41], [2, 24], [3, 3, 41, 5], [1, 1, 1, 1]];
  for (const layout of ["channels", "weights"] as const) {
    for (const shape of shapes) {
      const values = Float32Array.from({ length: sizeOf(shape) }, (_, at) => at + 1);
      const packed = pack(values, { shape, layout, dtype: "f32" });
      assert.equal(packed.length, storedSize(shape, layout));
      assert.equal(packed.filter((value) => value === 0).length, packed.length - values.length);
      const places = [...values.keys()].map((place) => storedPlace(place, { shape, layout }));
      assert.deepEqual(places.map((place) => packed[place]), [...values]);
      assert.deepEqual(unpack(new Float32Array(packed.buffer), { shape, layout }), values);
    }
  }
});
