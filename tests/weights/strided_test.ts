import assert from "node:assert/strict";
import { cStrides, fortranStrides, inCOrder } from "../../lib/weights/strided.ts";

const memory = Uint8Array.from({ length: 24 }, (_, at) => at);
const order = (shape: number[], strides: number[], offset = 0) => [
  ...inCOrder(memory, { shape, strides, offset, elementBytes: 1 }),
];

Deno.test("inCOrder: each element from its place", () => {
  assert.deepEqual(order([2, 3], [3, 1], 4), [4, 5, 6, 7, 8, 9]);
  assert.deepEqual(order([3, 2], [1, 3]), [0, 3, 1, 4, 2, 5]);
  assert.deepEqual(order([2, 2], [0, 5]), [0, 5, 0, 5]);
  assert.deepEqual(order([2, 1, 3], [12, 99, 2]), [0, 2, 4, 12, 14, 16]);
  assert.deepEqual(order([], [], 23), [23]);
  assert.deepEqual(order([0, 5], [1, 1], 999), []);
  const pairs = inCOrder(memory, { shape: [2], strides: [3], offset: 1, elementBytes: 2 });
  assert.deepEqual([...pairs], [2, 3, 8, 9]);
});

Deno.test("inCOrder: what lies in C order already is not copied", () => {
  const shape = [2, 1, 4];
  const view = inCOrder(memory, { shape, strides: cStrides(shape), offset: 3, elementBytes: 1 });
  assert.deepEqual([view.buffer === memory.buffer, view.byteOffset, view.length], [true, 3, 8]);
  assert.deepEqual(fortranStrides([2, 3, 4]), [1, 2, 6]);
});

Deno.test("inCOrder: nothing outside the memory is read", () => {
  for (
    const [shape, strides, offset] of [[[25], [1], 0], [[2], [1], 23], [
      [2, 2],
      [20, 4],
      0,
    ]] as const
  ) {
    assert.throws(() => order([...shape], [...strides], offset), /must lie within 24, found/);
  }
  assert.throws(() => order([2], [-1], 5), /must lie within/);
  assert.throws(() => order([2], [1], -1), /must lie within/);
});
